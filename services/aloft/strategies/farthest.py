"""The point that is farthest from every centre, again and again, without a pass over all each time."""

import numpy as np
from numpy.typing import NDArray

from aloft.strategies.points import Points, Which
from aloft.strategies.sketch import Sketch
from aloft.strategies.stale import ROWS, Stale, above

ACTIVE = 1024
"""Points that are brought up to date for one another's sake, at least: among them the next are found."""
_HELD = 8 * ACTIVE
"""Active points at most that are kept in single precision."""
_SETTLED = 32
"""Active points at most whose distances are found exactly at once: often the rest need not be."""
_SORTED = 128 * ACTIVE
"""Points that are put into the order of their bounds at first."""


class Farthest:
    """Finds the point farthest from its nearest centre: the one that the plain loop finds, ties by number.

    The points that may be farthest are active: what is known of them, between `lower` and `upper`, is brought
    up to date with each centre. All others have stale bounds, the largest of which is `below`. When no active
    point is surely above it, those with the largest bounds are brought up to date and become active.
    """

    def __init__(self, stale: Stale, sketch: Sketch) -> None:
        self._stale = stale
        self._sketch = sketch
        self._active: Which = np.empty(0, dtype=np.intp)
        self._points: Points | None = None
        self._lower: NDArray[np.float64] = np.empty(0)
        self._upper: NDArray[np.float64] = np.empty(0)
        self._below = np.inf

    def find(self) -> tuple[int, float] | None:
        """Find the farthest point, and d² from it to its nearest centre; None where every point is on one."""
        while True:
            surely = self._lower.max(initial=-np.inf)
            (contenders,) = np.nonzero((self._upper >= surely) & (self._upper > 0))
            if not len(contenders) or 0 < surely <= self._below:
                if self._below <= 0:
                    return None
                self._advance()
                continue
            vague = contenders[self._lower[contenders] < self._upper[contenders]]
            if not len(vague):
                return int(self._active[contenders[0]]), float(self._upper[contenders[0]])
            self._settle(vague[np.argsort(-self._upper[vague], kind="stable")[:_SETTLED]])

    def take(self, pick: int) -> None:
        """Make a point a centre."""
        centre = self._stale.cloud.take(np.array([pick]))
        self._stale.add(centre)
        self._sketch.add(pick)
        for part, points in self._blocks():
            squared = points.squared(centre)[:, 0].astype(np.float64)
            error = points.room * (points.reach + centre.reach[0]).astype(np.float64)
            np.minimum(self._lower[part], squared - error, out=self._lower[part])
            np.minimum(self._upper[part], squared + error, out=self._upper[part])
        # Below 0, so that it is never found again.
        self._stale.upper[pick] = -1.0
        here = self._active == pick
        self._lower[here] = self._upper[here] = -1.0
        kept = self._upper > self._below
        if 2 * np.count_nonzero(kept) < len(kept):
            self._retire(~kept)

    def _blocks(self) -> list[tuple[slice, Points]]:
        if self._points is not None:
            return [(slice(None), self._points)]
        parts = [slice(start, start + ROWS) for start in range(0, len(self._active), ROWS)]
        return [(part, self._stale.cloud.take(self._active[part])) for part in parts]

    def _settle(self, which: Which) -> None:
        for start in range(0, len(which), ROWS):
            part = which[start : start + ROWS]
            exact = self._stale.exact(self._stale.cloud.take(self._active[part]))
            self._lower[part] = self._upper[part] = exact

    def _retire(self, out: NDArray[np.bool_]) -> None:
        """Let active points go stale."""
        gone = self._active[out]
        self._stale.upper[gone] = above(self._upper[out])
        self._stale.seen[gone] = self._stale.count
        self._active, self._lower, self._upper = self._active[~out], self._lower[~out], self._upper[~out]
        self._points = None if self._points is None else self._points[~out]

    def _advance(self) -> None:
        self._retire(np.ones(len(self._active), dtype=bool))
        stale = self._stale
        self._sketch.shrink(np.flatnonzero(np.isinf(stale.upper)), stale.upper)
        order = self._largest()
        walked, step, following = 0, ROWS, np.inf
        while walked < len(order):
            if walked + step >= len(order):
                order = self._with_all(order)
            self._sketch.shrink(order[walked : walked + step], stale.upper)
            walked = min(walked + step, len(order))
            following = stale.upper[order[walked]] if walked < len(order) else -np.inf
            known = order[:walked]
            # The others of these are not above what follows, whatever their distance is.
            contending = known[stale.upper[known] > following]
            stale.hold(contending, self._sketch.nearest[contending])
            contending = contending[stale.upper[contending] > following]
            stale.refresh(contending[stale.seen[contending] < stale.count])
            upper = stale.upper[contending]
            if np.count_nonzero(upper > following) >= ACTIVE and self._surely(contending) > following:
                break
            step = min(2 * step, 4 * ROWS)
        self._activate(order[:walked], float(following))

    def _largest(self) -> Which:
        """Put the points with the largest bounds into their order: to sort all takes longer than the rest."""
        upper = self._stale.upper
        least = np.partition(upper, -_SORTED)[-_SORTED] if len(upper) > _SORTED else -np.inf
        return _falling(np.flatnonzero(upper >= least), upper)

    def _with_all(self, order: Which) -> Which:
        """Put those behind them that are not among them."""
        others = np.ones(len(self._stale.upper), dtype=bool)
        others[order] = False
        return np.concatenate([order, _falling(np.flatnonzero(others), self._stale.upper)])

    def _surely(self, which: Which) -> float:
        lower: float = self._bounds(which)[0].max(initial=-np.inf)
        return lower

    def _bounds(self, which: Which) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        upper = self._stale.upper[which].astype(np.float64)
        lower = np.maximum(upper - self._stale.error(self._stale.reach[which]), 0)
        lower[self._stale.seen[which] < self._stale.count] = 0
        return np.where(upper > 0, lower, upper), upper

    def _activate(self, known: Which, following: float) -> None:
        lower, upper = self._bounds(known)
        least = np.partition(upper, -ACTIVE)[-ACTIVE] if len(upper) > ACTIVE else -np.inf
        kept = (upper >= min(least, lower.max(initial=-np.inf))) & (upper > 0)
        self._below = max(following, float(upper[~kept].max(initial=-np.inf)))
        active = np.flatnonzero(kept)[np.argsort(known[kept])]
        self._active, self._lower, self._upper = known[active], lower[active], upper[active]
        self._points = None
        if len(self._active) > _HELD:
            self._drop_repeats()
        if len(self._active) <= _HELD:
            self._points = self._stale.cloud.take(self._active)

    def _drop_repeats(self) -> None:
        # Of points that are the same the first stands for all: the others are at 0 from it once it is found,
        # and it is found before any point at 0 is.
        reach = self._stale.reach[self._active]
        order = np.lexsort((self._active, reach))
        first = np.maximum.accumulate(
            np.where(np.diff(reach[order], prepend=np.nan) != 0, np.arange(len(order)), 0)
        )
        behind = np.flatnonzero(first != np.arange(len(order)))
        same = self._stale.cloud.same(self._active[order[behind]], self._active[order[first[behind]]])
        repeats = np.zeros(len(order), dtype=bool)
        repeats[order[behind[same]]] = True
        self._upper[repeats] = 0
        self._retire(repeats)


def _falling(which: Which, upper: NDArray[np.float32]) -> Which:
    return which[np.argsort(-upper[which])]
