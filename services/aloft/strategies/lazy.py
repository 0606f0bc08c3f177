"""Greedy maximisation of a submodular function without asking for every gain at every step."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

_TOGETHER = 32
"""Gains that are asked for at once."""

Gains = Callable[[NDArray[np.intp]], NDArray[np.float64]]


def greedy(
    count: int, size: int, gains: Gains, take: Callable[[int], None]
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Take, again and again, the one of `count` with the largest gain; the lowest number among equals.

    A gain only shrinks as more is taken, so one from an earlier step is an upper bound, and only what could
    be the largest is asked for again (Minoux, "Accelerated greedy algorithms", 1978). The picks are those of
    the plain loop, and worth at least 1 − 1/e of the best batch's (Nemhauser, Wolsey & Fisher, 1978).
    """
    bounds = np.full(count, np.inf)
    for start in range(0, count, _TOGETHER):
        part = np.arange(start, min(start + _TOGETHER, count))
        bounds[part] = gains(part)
    fresh = np.ones(count, dtype=bool)
    chosen: list[int] = []
    gained: list[float] = []
    while len(chosen) < min(size, count):
        best = int(np.argmax(bounds))
        if not fresh[best]:
            together = min(_TOGETHER, count)
            likely = np.argpartition(bounds, count - together)[count - together :]
            # The partition may leave out the lowest of equals, which is the one that counts.
            stale = np.append(likely[~fresh[likely] & (likely != best)], best)
            stale = stale[bounds[stale] > -np.inf]
            bounds[stale] = gains(stale)
            fresh[stale] = True
            continue
        chosen.append(best)
        gained.append(float(bounds[best]))
        take(best)
        fresh[:] = False
        bounds[best] = -np.inf
    return np.array(chosen, dtype=np.intp), np.array(gained)
