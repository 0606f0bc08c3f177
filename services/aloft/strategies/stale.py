"""Distances to the nearest centre that are let go stale: they only shrink, so these are upper bounds."""

import numpy as np
from numpy.typing import NDArray

from aloft.strategies.cores import each
from aloft.strategies.points import Cloud, Points, Which

ROWS = 1024
"""Points that are brought up to date by one matrix product."""
_CENTRES = 256
_PAIRED = 256
"""Points that are held against one centre each at once: a core's own cache holds both."""
_DOUBT = 8
"""Up to this many times its own error a distance is measured again by differences."""


class Stale:
    """Upper bounds of d² from points to their nearest centres, and how many centres each was held against."""

    def __init__(self, cloud: Cloud, centres: Points, more: int) -> None:
        self.cloud = cloud
        self.upper: NDArray[np.float32] = np.full(len(cloud), np.inf, dtype=np.float32)
        self.seen: NDArray[np.int32] = np.zeros(len(cloud), dtype=np.int32)
        self.reach: NDArray[np.float32] = np.zeros(len(cloud), dtype=np.float32)
        self._held: NDArray[np.int32] = np.full(len(cloud), -1, dtype=np.int32)
        self.count = len(centres)
        self._centres = centres.with_space(more)

    @property
    def centres(self) -> Points:
        """All centres so far."""
        return self._centres[: self.count]

    def add(self, centre: Points) -> None:
        """Make a point a centre. Nothing is brought up to date."""
        self._centres.put(self.count, centre)
        self.count += 1

    def refresh(self, which: Which) -> None:
        """Hold points against the centres they missed."""
        order = which[np.lexsort((which, self.seen[which]))]
        each(self._refresh, [order[start : start + ROWS] for start in range(0, len(order), ROWS)])

    def hold(self, which: Which, against: NDArray[np.int32]) -> None:
        """Hold the features of stale points against a centre each: they stay stale, but bounds may fall.

        The last centre that a point was held against is passed over.
        """
        vague = (self.seen[which] < self.count) & (self._held[which] != against)
        which, against = which[vague], against[vague]

        def hold(part: slice) -> None:
            between = self.cloud.images.take(which[part])
            between -= self._centres.features[against[part]]
            # Off by half a unit in the last place for a difference, and by D for a sum of D squares, at most.
            squared = np.einsum("ij,ij->i", between, between) * np.float32(1 + self._centres.room)
            self.upper[which[part]] = np.minimum(self.upper[which[part]], squared)

        each(hold, [slice(start, start + _PAIRED) for start in range(0, len(which), _PAIRED)])
        self._held[which] = against

    def error(self, reach: NDArray[np.float32]) -> NDArray[np.float32]:
        """Say by how much an up-to-date bound is above the true d² at most, for points of this reach."""
        farthest = np.float32(self.centres.reach.max(initial=0))
        return np.float32(2 * self._centres.room) * (reach + farthest)

    def exact(self, points: Points) -> NDArray[np.float64]:
        """Compute d² from points to their nearest centres in double precision."""
        return nearest(points, self.centres)

    def _refresh(self, which: Which) -> None:
        points = self.cloud.take(which)
        self.reach[which] = points.reach
        upper = self.upper[which]
        for start in range(int(self.seen[which].min()), self.count, _CENTRES):
            centres = self._centres[start : min(start + _CENTRES, self.count)]
            squared = points.squared(centres)
            error = np.float32(points.room) * (points.reach + centres.reach.max())
            least = squared.min(axis=1)
            bound = least + error
            (doubtful,) = np.nonzero(least <= _DOUBT * error)
            if len(doubtful):
                nearest = squared[doubtful].argmin(axis=1)
                exact = points[doubtful].exactly(centres[nearest])
                bound[doubtful] = np.minimum(bound[doubtful], above(exact))
            np.minimum(upper, bound, out=upper)
        self.upper[which] = upper
        self.seen[which] = self.count


def nearest(points: Points, centres: Points) -> NDArray[np.float64]:
    """Compute d² from points to the nearest of some centres in double precision, each by itself.

    Matrix products propose centres, with room for their error; what they round depends on their height, and
    what decides does not.
    """
    found = np.empty(len(points))
    for start in range(0, len(points), _CENTRES):
        part = points[start : start + _CENTRES]
        squared = part.squared(centres)
        error = 2 * part.room * (part.reach + centres.reach.max())
        row, centre = np.nonzero(squared <= (squared.min(axis=1) + error)[:, None])
        exact = np.empty(len(row))
        # Some at a time: where many are alike, these are nearly all pairs.
        for at in range(0, len(row), _PAIRED):
            pairs = slice(at, at + _PAIRED)
            exact[pairs] = part[row[pairs]].exactly(centres[centre[pairs]])
        first = np.searchsorted(row, np.arange(len(part)))
        found[start : start + _CENTRES] = np.minimum.reduceat(exact, first)
    return found


def above(exact: NDArray[np.float64]) -> NDArray[np.float32]:
    """Round to single precision, never down; 0 stays 0."""
    near = exact.astype(np.float32)
    return np.where(near < exact, np.nextafter(near, np.float32(np.inf)), near)
