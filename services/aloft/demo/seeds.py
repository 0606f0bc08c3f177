"""Several demonstrations that differ in their seed alone, put together: the paired difference of the arms."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from aloft.demo.outcome import ArmOutcome, Outcome

_T_975 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)
"""Student's t that 97.5 % lie below, for one and more degrees of freedom."""


@dataclass(frozen=True, slots=True)
class Paired:
    """The mean of differences, and where 95 % of such means lie."""

    mean: float
    low: float
    high: float

    def sentence(self) -> str:
        """Say it in a line."""
        return f"{self.mean:+.3f} (95 % interval {self.low:+.3f} to {self.high:+.3f})"


def paired(differences: Sequence[float]) -> Paired | None:
    """Give the interval of a paired t test; none for a single seed, which tells nothing of chance."""
    count = len(differences)
    if count < 2:
        return None
    mean = sum(differences) / count
    variance = sum((one - mean) ** 2 for one in differences) / (count - 1)
    half = _t(count - 1) * math.sqrt(variance / count)
    return Paired(mean, mean - half, mean + half)


def _t(freedom: int) -> float:
    if freedom <= len(_T_975):
        return _T_975[freedom - 1]
    # Cornish and Fisher's expansion about the normal distribution's 1.960, exact enough from here on.
    return 1.960 + 2.372 / freedom + 2.823 / freedom**2


def gains(outcomes: Sequence[Outcome]) -> list[float]:
    """Give the final difference of each seed."""
    return [one.gain for one in outcomes]


def mean_curve(arms: Sequence[ArmOutcome]) -> list[tuple[int, float]]:
    """Average the curves of one arm over seeds, batch by batch."""
    curves = [arm.curve for arm in arms]
    return [(at[0][0], sum(score for _, score in at) / len(at)) for at in zip(*curves, strict=True)]
