"""All features of a pool in memory once, as they lie, and where in them each image is in order of id."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aloft.strategies.halves import singles, usable
from aloft.strategies.pool import ArrayPool, Block, Features, Ids, Pool
from aloft.strategies.strategy import Ranked

ROWS = 1024
"""Images that are converted to single precision at once."""


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


def of(images: Ids, features: Features) -> Whole:
    """Put images into order, and leave out those whose features are not finite numbers."""
    order = np.argsort(images, kind="stable")
    rows = order[usable(features)[order]]
    return Whole(images[rows], rows, features, len(images) - len(rows))


def gather(pool: Pool, see: Callable[[Block], object] | None = None) -> Whole:
    """Read a pool's features once, showing each block to `see` on the way."""
    images = [np.empty(0, dtype="S16")]
    features: Features | None = None
    held = 0
    for block in pool.blocks():
        if block.features is None:
            raise TypeError("this strategy reads features, and the pool was opened without them")
        if see is not None:
            see(block)
        images.append(block.images)
        if not isinstance(pool, ArrayPool):
            if features is None:
                features = np.empty((0, block.features.shape[1]), dtype=block.features.dtype)
            held = _append(features, held, block.features)
    if isinstance(pool, ArrayPool) and pool.features is not None:
        return of(pool.images, pool.features)
    if features is None:
        return Whole.empty()
    features.resize((held, features.shape[1]), refcheck=False)
    return of(np.concatenate(images), features)


def _append(features: Features, held: int, rows: Features) -> int:
    """Write rows behind those held, and say how many that makes.

    An array that is resized moves by its pages and is not copied, so that features are never held twice, as
    they would be by joining blocks. It grows by a sixteenth, so that this is seldom.
    """
    more = held + len(rows)
    if more > len(features):
        features.resize((more + more // 16, features.shape[1]), refcheck=False)
    features[held:more] = rows
    return more


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
