"""Several demonstrations that differ in their seed alone, put together: the paired difference of the arms."""

from collections.abc import Sequence
from dataclasses import dataclass

from aloft.demo.outcome import ArmOutcome, Outcome
from aloft.simulation.report.student import mean_of


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
    found = mean_of(differences)
    if found.low is None or found.high is None:
        return None
    return Paired(found.mean, found.low, found.high)


def gains(outcomes: Sequence[Outcome]) -> list[float]:
    """Give the final difference of each seed."""
    return [one.gain for one in outcomes]


def mean_curve(arms: Sequence[ArmOutcome]) -> list[tuple[int, float]]:
    """Average the curves of one arm over seeds, batch by batch."""
    curves = [arm.curve for arm in arms]
    return [(at[0][0], sum(score for _, score in at) / len(at)) for at in zip(*curves, strict=True)]
