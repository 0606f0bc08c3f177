"""An axis: where values lie, and at which round ones a reader is helped."""

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Axis:
    """Values from `low` to `high` on pixels from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float

    @classmethod
    def around(cls, values: Iterable[float], start: float, end: float, least: float = 0.0) -> "Axis":
        """Reach over all values with a little air, and over `least` in all where they are closer together."""
        there = list(values)
        low, high = min(there), max(there)
        air = max(0.05 * (high - low), 0.5 * (least - (high - low)), 1e-9)
        return cls(low - air, high + air, start, end)

    def at(self, value: float) -> float:
        """Say where a value lies."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def levels(self, most: int = 7) -> list[float]:
        """Give round values along it, at most so many."""
        rough = (self.high - self.low) / most
        unit = 10.0 ** math.floor(math.log10(rough))
        step = next(each * unit for each in (1, 2, 5, 10) if each * unit >= rough)
        first, last = math.ceil(self.low / step), math.floor(self.high / step)
        return [number * step for number in range(first, last + 1)]


def written(levels: list[float]) -> list[str]:
    """Write round values with as many digits as tell them apart."""
    if len(levels) < 2:
        return [f"{level:.3g}" for level in levels]
    digits = max(0, -math.floor(math.log10(levels[1] - levels[0]) + 1e-9))
    # Adding nought turns a negative one into a positive.
    return [f"{round(level, digits) + 0.0:.{digits}f}" for level in levels]
