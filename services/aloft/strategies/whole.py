"""All features of a pool in memory once, as they lie, and where in them each image is in order of id."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aloft.strategies.cores import each
from aloft.strategies.halves import keep, singles, usable
from aloft.strategies.pool import ArrayPool, Block, Features, Ids, Pool
from aloft.strategies.strategy import Ranked

ROWS = 256
"""Images that are converted to single precision at once: a core's own cache holds them."""
_RUN = 8192
"""Images that a core looks through at a time for what is not finite."""


@dataclass(frozen=True, slots=True)
class Whole:
    """Images in order of id whose features are finite numbers."""

    images: Ids
    rows: NDArray[np.intp]
    """The row of `features` of each image."""
    features: Features
    left_out: int = 0
    """Images whose features are not finite numbers."""

    @classmethod
    def empty(cls) -> "Whole":
        """Hold no image at all."""
        return of(np.empty(0, dtype="S16"), np.empty((0, 1), dtype=np.float16))

    def __len__(self) -> int:
        return len(self.images)

    def take(self, which: NDArray[np.intp]) -> NDArray[np.float32]:
        """Copy the features of some images in single precision."""
        return singles(self.features[self.rows[which]])

    def blocks(self) -> Iterator[NDArray[np.intp]]:
        """Cut all images into runs of `ROWS`."""
        for start in range(0, len(self), ROWS):
            yield np.arange(start, min(start + ROWS, len(self)))


def of(images: Ids, features: Features, finite: NDArray[np.bool_] | None = None) -> Whole:
    """Put images into order, and leave out those whose features are not finite numbers."""
    order = np.argsort(images, kind="stable")
    if finite is None:
        runs = [features[start : start + _RUN] for start in range(0, len(features), _RUN)]
        finite = np.concatenate([np.empty(0, dtype=bool), *each(usable, runs)])
    rows = order[finite[order]]
    return Whole(images[rows], rows, features, len(images) - len(rows))


def gather(pool: Pool, see: Callable[[Block], object] = lambda block: None) -> Whole:
    """Read a pool's features once, showing each block to `see` on the way."""
    if isinstance(pool, ArrayPool) and pool.features is not None:
        for block in pool.blocks():
            see(block)
        return of(pool.images, pool.features)
    images: list[Ids] = []
    finite: list[NDArray[np.bool_]] = []
    features: Features | None = None
    held = 0
    for block in pool.blocks():
        if block.features is None:
            raise TypeError("this strategy reads features, and the pool was opened without them")
        see(block)
        if features is None:
            # Written where they stay: joining blocks would hold all features twice.
            features = np.empty((pool.most, block.features.shape[1]), dtype=block.features.dtype)
        images.append(block.images)
        finite.append(keep(block.features, features[held : held + len(block)]))
        held += len(block)
    if features is None:
        return Whole.empty()
    return of(np.concatenate(images), features[:held], np.concatenate(finite))


def best(pool: Pool, ranked: Ranked, most: int) -> Whole:
    """Read the features of the best of a ranking, passing over those whose are not finite numbers."""
    parts: list[Features] = []
    read = found = 0
    while found < most and read < len(ranked):
        images = ranked.images[read : read + most - found]
        parts.append(pool.features_of(images))
        found += int(np.count_nonzero(usable(parts[-1])))
        read += len(images)
    features = np.concatenate(parts) if parts else np.empty((0, 1), dtype=np.float16)
    return of(ranked.images[:read], features)
