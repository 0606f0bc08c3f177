"""k-means++ seeding (D² sampling) over many points without a pass over all of them for each draw.

Arthur & Vassilvitskii, "k-means++: the advantages of careful seeding" (SODA 2007), here by rejection: draw by
the stale distances, which are upper bounds, and accept with probability true/stale. Whatever the bounds are,
an accepted point i has been drawn with probability d²_i / Σ d², as if all distances had been up to date.
"""

import numpy as np
from numpy.typing import NDArray

from aloft.strategies import sketch
from aloft.strategies.cores import each
from aloft.strategies.points import Cloud, Which
from aloft.strategies.sketch import AXES, Sketch
from aloft.strategies.stale import Stale, above, nearest

_RUN = 1024
"""Points whose bounds are summed up together."""
_CONVERT = 24
"""What it costs to bring a point to single precision, in products of two points among many."""
_GLANCE = 150
"""What it costs to bound the distance of two points by their sketches, in products of two numbers."""
_ALONE = 8
"""What the product of two points costs that is taken by itself."""
_OVERHEAD = 6_000_000
"""What it costs to try a point at all, in products of two numbers."""


def draw(cloud: Cloud, size: int, seed: int) -> tuple[Which, NDArray[np.float64]]:
    """Draw the first point ∝ ‖·‖², each further one ∝ d² to the nearest before it; give these numbers too.

    Where every distance left is 0 the longest that are left follow, the first of equals, with 0.
    """
    chance = np.random.default_rng(seed)
    reach = _reach(cloud)
    count = min(size, len(cloud))
    stale = Stale(cloud, cloud.none, count)
    stale.upper[:] = reach
    urn = _Urn(stale.upper)
    glances = _Glances(stale, count)
    chosen: list[int] = []
    squared: list[float] = []
    wasted = 0
    while len(chosen) < count and urn.total > 0:
        pick = urn.draw(chance.random())
        point = cloud.take(np.array([pick]))
        true = float(nearest(point, stale.centres)[0]) if chosen else float(reach[pick])
        if chance.random() * float(stale.upper[pick]) < true:
            chosen.append(pick)
            squared.append(true)
            stale.add(point)
            glances.add(pick)
            urn.put(pick, 0.0)
            if len(chosen) == 1:
                urn.all(_around(reach, pick))
            continue
        urn.put(pick, float(above(np.array([true]))[0]))
        tried = _OVERHEAD + _ALONE * stale.count * cloud.width
        wasted += tried
        if glances.paid(tried):
            urn.all(stale.upper)
        if wasted > len(cloud) * cloud.width * (_CONVERT + stale.count - int(stale.seen.min())):
            # Trying has cost as much by now as it costs to bring all distances up to date.
            stale.refresh(np.arange(len(cloud)))
            urn.all(stale.upper)
            wasted = 0
    spare = np.delete(np.arange(len(cloud)), chosen)
    fill = spare[np.lexsort((spare, -reach[spare]))][: count - len(chosen)]
    return np.array([*chosen, *fill], dtype=np.intp), np.array([*squared, *np.zeros(len(fill))])


class _Glances:
    """Lowers all bounds by sketches as soon as trying has cost as much as that does."""

    def __init__(self, stale: Stale, count: int) -> None:
        self._stale = stale
        self._chosen: list[int] = []
        self._most = count
        self._sketch: Sketch | None = None
        self._wasted = 0

    def add(self, pick: int) -> None:
        self._chosen.append(pick)

    def paid(self, wasted: int) -> bool:
        """Count what was wasted, and say whether bounds were lowered for it."""
        self._wasted += wasted
        cloud = self._stale.cloud
        known = 0 if self._sketch is None else self._sketch.count
        cost = len(cloud) * _GLANCE * (len(self._chosen) - known)
        if self._sketch is None:
            cost += len(cloud) * cloud.width * (_CONVERT + AXES)
        if self._wasted <= cost:
            return False
        if self._sketch is None:
            self._sketch = sketch.of(cloud, cloud.none, self._most)
        for pick in self._chosen[known:]:
            self._sketch.add(pick)
        self._sketch.shrink(np.arange(len(cloud)), self._stale.upper)
        self._wasted = 0
        return True


class _Urn:
    """Points and how likely each is to be drawn, in runs that are summed up by themselves."""

    def __init__(self, weights: NDArray[np.float32]) -> None:
        self._weights = weights
        self._sums = np.empty(0)
        self.all(weights)

    @property
    def total(self) -> float:
        return float(self._sums.sum())

    def all(self, weights: NDArray[np.float32]) -> None:
        self._weights[:] = weights
        runs = range(0, len(weights), _RUN)
        self._sums = np.array([weights[start : start + _RUN].sum(dtype=np.float64) for start in runs])

    def put(self, place: int, weight: float) -> None:
        self._weights[place] = weight
        run = place // _RUN
        self._sums[run] = self._weights[run * _RUN : (run + 1) * _RUN].sum(dtype=np.float64)

    def draw(self, uniform: float) -> int:
        run, left = _find(self._sums, uniform * self.total)
        place, _ = _find(self._weights[run * _RUN : (run + 1) * _RUN].astype(np.float64), left)
        return run * _RUN + place


def _find(weights: NDArray[np.float64], sought: float) -> tuple[int, float]:
    """Find the weight in which a sum reaches a number, and how far into it."""
    sums = np.cumsum(weights)
    place = int(np.searchsorted(sums, sought, side="right"))
    if place == len(sums):  # rounded past the end
        place = int(np.flatnonzero(weights)[-1])
    return place, sought - float(sums[place] - weights[place])


def _reach(cloud: Cloud) -> NDArray[np.float32]:
    parts = each(lambda which: cloud.take(which).reach, cloud.images.blocks())
    return np.concatenate([np.empty(0, dtype=np.float32), *parts])


def _around(reach: NDArray[np.float32], pick: int) -> NDArray[np.float32]:
    """Bound d² to a point by the way through 0, with room for rounding; 0 for the point itself."""
    lengths = np.sqrt(reach)
    bounds: NDArray[np.float32] = np.square(lengths + lengths[pick]) * np.float32(1 + 1e-5)
    bounds[pick] = 0
    return bounds
