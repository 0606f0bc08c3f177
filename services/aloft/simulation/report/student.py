"""Means of a few seeds, and where 95 % of such means lie."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

SURE = 0.95
_DRAWS = 10_000
_SEED = 0


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean and its interval: none for a single seed, which tells nothing of chance."""

    mean: float
    low: float | None = None
    high: float | None = None


def mean_of(values: Sequence[float] | NDArray[np.float64]) -> Mean:
    """Give the mean and Student's t interval: mean ± t(n − 1) · s / √n.

    Of differences between two arms under the same seeds it is the interval of the paired t test.
    """
    there = np.asarray(values, dtype=np.float64)
    mean = float(there.mean())
    if len(there) < 2:
        return Mean(mean)
    half = t_quantile(len(there) - 1) * float(there.std(ddof=1)) / math.sqrt(len(there))
    return Mean(mean, mean - half, mean + half)


@cache
def t_quantile(freedom: int, sure: float = SURE) -> float:
    """Give the t that |T| stays below with probability `sure`, by halving an angle: t = √f · tan θ."""
    low, high = 0.0, math.pi / 2
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if _within(middle, freedom) < sure else (low, middle)
    return math.sqrt(freedom) * math.tan(low)


def _within(angle: float, freedom: int) -> float:
    """Give P(|T| ≤ √f · tan θ), a finite sum (Abramowitz & Stegun, 1964, 26.7.3 and 26.7.4)."""
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = freedom % 2
    term = cosine if odd else 1.0
    total = term if freedom > 1 else 0.0
    for number in range(3 if odd else 2, freedom - 1, 2):
        term *= cosine**2 * (number - 1) / number
        total += term
    return 2 / math.pi * (angle + sine * total) if odd else sine * total


def resampled(count: int) -> NDArray[np.int64]:
    """Draw seeds anew, with replacement, always the same: draws × how often each seed counts."""
    generator = np.random.default_rng(_SEED)
    return generator.multinomial(count, np.full(count, 1.0 / count), _DRAWS)


def bootstrap(mean: float, draws: NDArray[np.float64], count: int) -> Mean:
    """Put a mean and the means of resampled seeds together: the 2.5 % and 97.5 % quantiles."""
    if count < 2:
        return Mean(mean)
    low, high = np.quantile(draws, ((1 - SURE) / 2, (1 + SURE) / 2))
    return Mean(mean, float(low), float(high))
