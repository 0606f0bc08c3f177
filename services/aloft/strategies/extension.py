"""What an installed package needs to bring a strategy of its own: the contract, and nothing that is heavy.

The package has an entry point in the group `aloft.strategies` whose name is the strategy's and whose object
is an `Entry` of that name. It is loaded wherever a campaign is checked, the label store included, so the
module that it lies in must not import NumPy. What it declares in `needs` is opened for it and nothing else.

`Entry.code` says, as `module:attribute`, what is loaded where pools are ranked; parameters come by keyword:

- `Kind.SCORE`: `scorer(pool, **parameters)`, called once a ranking. It answers a function that gives for each
  `Block` a float64 number an image, best first, NaN where there is none. With `class_balanced` among its
  `wrappers` it may be given `weights`, one for each label, too.
- `Kind.SCORE` with `wrappers=JOINED, wrapper="mean"`: `per_label(logits, **parameters)`. For finite logits, a
  row an image and a column a label, it gives a number in [0, 1] for each.
- `Kind.DIVERSITY`: `select(pool, ranked, size, seed, **parameters)` answers `Picks` out of what is ranked.
- `Kind.ALONE`: a `Strategy`, whose `rank` and `select` both take the parameters.

Each is a pure function of what it is given. An answer must depend neither on the order of a pool's blocks
nor on where they are cut: draw by image id (`seeds.uniform`) and break ties by it. `Pool`, `Block`,
`Strategy` and all else that is heavy lie in `aloft.strategies.pool` and `aloft.strategies.strategy`.
"""

from aloft.strategies.entry import JOINED, Entry, Kind, Needs, Parameter

__all__ = ["JOINED", "Entry", "Kind", "Needs", "Parameter"]
