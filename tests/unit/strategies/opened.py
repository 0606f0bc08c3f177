"""Pools with everything that a strategy may ask for, and views of them that give only what was declared."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from aloft.strategies.entry import Needs
from aloft.strategies.pool import ArrayPool, Block, Earlier, Features, Ids, Known, Pool, ids
from tests.unit.strategies.pools import Reordered, image

LABELS = ("river", "road", "roof")


def pool_with_everything(size: int, chance: int, coarse: bool = True, labels: int = 3) -> ArrayPool:
    """Make a pool of all columns; where it is coarse, ties and equal rows are common."""
    draw = np.random.default_rng(chance)

    def table(*shape: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        return draw.integers(-2, 3, shape).astype(float) if coarse else draw.normal(size=shape)

    features = table(size, 4).astype(np.float16)
    images = ids([image(number) for number in range(size)])
    earlier = ArrayPool(images, logits=table(size, labels).astype(np.float32), rows=7)
    return ArrayPool(
        images,
        features,
        np.sqrt(np.square(features.astype(np.float32)).sum(axis=1)),
        table(size, labels).astype(np.float32),
        rows=11,
        columns={name: table(size).astype(np.float32) for name in ("bald", "mll")},
        known=Known(LABELS[:labels], tuple(range(1, 2 * labels, 2)), 2 * labels),
        covering=table(3, 4).astype(np.float16),
        before=Earlier(LABELS[:labels], earlier.blocks),
    )


def reordered(pool: ArrayPool, chance: int) -> Reordered:
    """Read a pool in another order, cut at other places."""
    draw = np.random.default_rng(chance)
    size = len(pool.images)
    cuts = draw.integers(0, size + 1, 4).tolist()
    return Reordered(pool, draw.permutation(size).tolist(), cuts)


def relabelled(pool: ArrayPool, order: list[int]) -> ArrayPool:
    """Put the labels of a pool into another order; those of the version before stay as they were."""
    assert pool.logits is not None
    known = pool.known
    labels = tuple(known.labels[column] for column in order)
    positives = tuple(known.positives[column] for column in order)
    return replace(pool, logits=pool.logits[:, order], known=Known(labels, positives, known.labelled))


@dataclass(frozen=True, slots=True)
class Opened:
    """A pool opened for what a strategy declared: all else is not there."""

    pool: Pool
    needs: Needs

    @property
    def known(self) -> Known:
        return self.pool.known

    @property
    def most(self) -> int:
        return self.pool.most

    def blocks(self) -> Iterator[Block]:
        for block in self.pool.blocks():
            yield replace(
                block,
                features=block.features if self.needs.features else None,
                norms=block.norms if self.needs.features or self.needs.logits else None,
                logits=block.logits if self.needs.logits else None,
                columns={name: block.columns[name] for name in self.needs.columns},
            )

    def features_of(self, images: Ids) -> Features:
        assert self.needs.candidates or self.needs.features, "it did not say that it reads candidates"
        return self.pool.features_of(images)

    def covered(self) -> Features:
        assert self.needs.covered, "it did not say that it reads what is covered"
        return self.pool.covered()

    def earlier(self) -> Earlier | None:
        assert self.needs.earlier, "it did not say that it reads the version before"
        return self.pool.earlier()
