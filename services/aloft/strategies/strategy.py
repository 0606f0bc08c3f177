"""What a strategy is, and what it answers."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aloft.strategies.entry import Needs as Needs
from aloft.strategies.pool import Ids, Pool, hexadecimal, without

NO_CLUSTER = -1
"""The cluster of a pick where the strategy makes none."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """Images and their scores, best first; ties are in order of image id."""

    images: Ids
    scores: NDArray[np.float64]
    left_out: int = 0
    """How many images have no score: what the network said of them are no finite numbers, or nothing."""
    clusters: NDArray[np.int32] | None = None
    """The cluster of each image, from a strategy that makes some to score and needs them to select."""

    @classmethod
    def of(
        cls,
        images: Ids,
        scores: NDArray[np.float64],
        left_out: int = 0,
        clusters: NDArray[np.int32] | None = None,
    ) -> "Ranked":
        """Put images into order."""
        order = np.argsort(scores)[::-1]
        scores = scores[order]
        tied = np.zeros(len(scores) + 1, dtype=bool)
        tied[1:-1] = scores[1:] == scores[:-1]
        rows = np.flatnonzero(tied[1:] | tied[:-1])
        # Ids are slow to compare: only those of images with equal scores are.
        order[rows] = order[rows[np.lexsort((images[order[rows]], -scores[rows]))]]
        return cls(images[order], scores, left_out, None if clusters is None else clusters[order])

    def __len__(self) -> int:
        return len(self.images)

    def without(self, excluded: Ids) -> "Ranked":
        """Leave out images; `excluded` is sorted."""
        kept = without(self.images, excluded)
        clusters = None if self.clusters is None else self.clusters[kept]
        return Ranked(self.images[kept], self.scores[kept], self.left_out, clusters)


@dataclass(frozen=True, slots=True)
class Pick:
    """One image of a batch and why it is there."""

    image: str
    score: float
    cluster: int
    why: str


@dataclass(frozen=True, slots=True)
class Picks:
    """A batch, what matters most first, and why it is smaller than asked for if it is."""

    picks: tuple[Pick, ...]
    shortfall: str = ""

    def __len__(self) -> int:
        return len(self.picks)

    @property
    def images(self) -> tuple[str, ...]:
        """The ids of the picked images."""
        return tuple(pick.image for pick in self.picks)


Rank = Callable[[Pool, int, int], Ranked]
"""(pool, batch size, seed): scores every image of the pool."""

Select = Callable[[Pool, Ranked, int, int], Picks]
"""(pool, its ranking, batch size, seed): picks a batch; pool and ranking hold only what may be sent out."""


@dataclass(frozen=True, slots=True)
class Strategy:
    """A way to choose images, under its name."""

    name: str
    needs: Needs
    rank: Rank
    select: Select


def picks_of(
    images: Ids,
    scores: NDArray[np.float64],
    clusters: NDArray[np.int64],
    why: list[str],
    size: int,
    left_out: int = 0,
) -> Picks:
    """Put a batch together, and say so where it has fewer images than were asked for."""
    rows = zip(hexadecimal(images), scores.tolist(), clusters.tolist(), why, strict=True)
    chosen = tuple(Pick(*row) for row in rows)
    if len(chosen) == size:
        return Picks(chosen)
    missing = f"{len(chosen)} of {size} images: the pool has no more that can be sent out"
    if left_out:
        missing += f", and {left_out} have no finite score or features"
    return Picks(chosen, missing)
