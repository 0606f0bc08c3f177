"""A sample of a pool in one pass, the same whatever order the pool is read in."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aloft.strategies.halves import usable
from aloft.strategies.pool import Block, Features, Ids, Pool
from aloft.strategies.seeds import uniform


@dataclass(frozen=True, slots=True)
class Sample:
    """Images in order of id with their features, and how much of the pool they are."""

    images: Ids
    features: NDArray[np.float32]
    seen: int
    """Images of the pool whose features are finite numbers."""
    left_out: int
    """Images of the pool whose features are not."""

    @property
    def whole(self) -> bool:
        """Whether the sample is all that can be used of the pool."""
        return len(self.images) == self.seen


def finite(block: Block) -> tuple[Ids, Features, int]:
    """Drop the rows of a block whose features are not all finite, and count them."""
    if block.features is None:
        raise TypeError("this strategy reads features, and the pool was opened without them")
    kept = usable(block.features)
    dropped = len(block) - int(np.count_nonzero(kept))
    return (
        (block.images[kept], block.features[kept], dropped) if dropped else (block.images, block.features, 0)
    )


def draw(pool: Pool, most: int, seed: int) -> Sample:
    """Keep the `most` images with the smallest u(id, seed): bottom-k sampling, in any order."""
    images: Ids = np.empty(0, dtype="S16")
    chance: NDArray[np.float64] = np.empty(0)
    features: NDArray[np.float32] | None = None
    seen = left_out = 0
    for block in pool.blocks():
        new, rows, dropped = finite(block)
        left_out += dropped
        seen += len(new)
        drawn = uniform(new, seed)
        if len(chance) == most and most:
            nearer = drawn <= chance.max()
            new, rows, drawn = new[nearer], rows[nearer], drawn[nearer]
        images = np.concatenate([images, new])
        chance = np.concatenate([chance, drawn])
        rows = rows.astype(np.float32)
        features = rows if features is None else np.concatenate([features, rows])
        if len(images) > most:
            kept = np.lexsort((images, chance))[:most]
            images, chance, features = images[kept], chance[kept], features[kept]
    if features is None:
        features = np.empty((0, 1), dtype=np.float32)
    order = np.argsort(images, kind="stable")
    return Sample(images[order], features[order], seen, left_out)
