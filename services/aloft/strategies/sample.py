"""A sample of a pool in one pass, the same whatever order the pool is read in."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aloft.strategies.halves import singles, usable
from aloft.strategies.pool import Block, Features, Ids, Pool
from aloft.strategies.seeds import uniform

_SPARE = 4096
"""Room for images beyond those wanted: at least so many, or half of them."""
_TOGETHER = 1024


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
    smallest: _Smallest | None = None
    seen = left_out = 0
    for block in pool.blocks():
        images, features, dropped = finite(block)
        left_out += dropped
        seen += len(images)
        if smallest is None:
            room = min(most + max(_SPARE, most // 2), pool.most)
            smallest = _Smallest.empty(most, room, features)
        smallest.add(images, uniform(images, seed), features)
    if smallest is None:
        return Sample(np.empty(0, dtype="S16"), np.empty((0, 1), dtype=np.float32), seen, left_out)
    return Sample(*smallest.in_order(), seen, left_out)


@dataclass(slots=True)
class _Smallest:
    """Rows with the smallest chances so far, and room for more; once it is full the others are dropped."""

    most: int
    images: Ids
    chances: NDArray[np.float64]
    features: Features
    held: int = 0
    reach: float = np.inf
    """The largest chance that is still wanted."""

    @classmethod
    def empty(cls, most: int, room: int, like: Features) -> "_Smallest":
        features = np.empty((room, like.shape[1]), dtype=like.dtype)
        return cls(most, np.empty(room, dtype="S16"), np.empty(room), features)

    def add(self, images: Ids, chances: NDArray[np.float64], features: Features) -> None:
        rows = np.flatnonzero(chances <= self.reach)
        while len(rows):
            if self.held == len(self.images):
                raise TypeError(f"a pool has more images than it says: more than {self.held}")
            part, rows = np.split(rows, [len(self.images) - self.held])
            to = slice(self.held, self.held + len(part))
            self.images[to], self.chances[to], self.features[to] = images[part], chances[part], features[part]
            self.held = to.stop
            if self.held == len(self.images):
                self._drop()
                rows = rows[chances[rows] <= self.reach]

    def in_order(self) -> tuple[Ids, NDArray[np.float32]]:
        self._drop()
        order = np.argsort(self.images[: self.held], kind="stable")
        features = np.empty((self.held, self.features.shape[1]), dtype=np.float32)
        for start in range(0, self.held, _TOGETHER):
            part = slice(start, start + _TOGETHER)
            singles(self.features[order[part]], features[part])
        return self.images[order], features

    def _drop(self) -> None:
        if self.held <= self.most:
            return
        order = np.lexsort((self.images[: self.held], self.chances[: self.held]))
        stay, gone = np.split(order, [self.most])
        to, by = gone[gone < self.most], stay[stay >= self.most]
        for column in (self.images, self.chances, self.features):
            column[to] = column[by]
        self.held = self.most
        self.reach = float(self.chances[: self.held].max(initial=-np.inf))
