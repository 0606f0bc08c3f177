"""Means over seeds with their intervals: of each arm, its differences from others, the labels it saves."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from aloft.simulation.report.measures import area, reached
from aloft.simulation.report.runs import POSITIVES, Runs, Values
from aloft.simulation.report.student import Mean, bootstrap, mean_of, resampled

METRICS = {
    "map_macro": "macro mAP",
    "map_rare": "rare-label mAP",
    "map_micro": "micro mAP",
    "f1_macro": "macro F1",
    "f1_micro": "micro F1",
}
"""What is summed up, where the experiment has it, and how it is called."""
AREA, FINAL, LABELLED = "area", "final", "labelled"
"""Measures of an arm: its curve's mean height, its last score, and the positives among what it labelled."""
REACH, SAVED, SAVED_COMMON = "labels_to_reach", "saved_percent", "saved_percent_common"
"""Measures of the labels with which an arm reaches what another ends with."""
HEADLINE = "map_macro"
"""The metric by which labels are saved."""
RARE = "rare"
"""The labels that count as rare, taken together."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """One row of the summary."""

    strategy: str
    measure: str
    metric: str
    against: str
    """The arm it is the difference from, or whose end is to be reached; empty for the arm's own value."""
    seeds: int
    mean: float
    low: float | None
    high: float | None
    interval: str
    """How the interval was made."""

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What it is found by."""
        return self.strategy, self.measure, self.metric, self.against


def estimates(runs: Runs, rare: Sequence[str], against: Sequence[str]) -> Iterator[Estimate]:
    """Estimate all there is to say of an experiment, arm by arm."""
    quantities = [
        (measure, metric) for metric in METRICS if metric in runs.metrics for measure in (AREA, FINAL)
    ]
    quantities.append((LABELLED, RARE))
    for strategy in runs.strategies:
        for measure, metric in quantities:
            values = partial(_values, runs, measure=measure, metric=metric, rare=rare)
            own = runs.seeds(strategy)
            yield _estimate(strategy, measure, metric, "", len(own), mean_of(values(strategy, own)), "t")
            for other in against:
                if other != strategy and (seeds := runs.seeds(strategy, other)):
                    found = mean_of(values(strategy, seeds) - values(other, seeds))
                    yield _estimate(strategy, measure, metric, other, len(seeds), found, "paired t")
        for other in against:
            if HEADLINE in runs.metrics and (seeds := runs.seeds(strategy, other)):
                for measure, found in _saving(runs, strategy, other, seeds):
                    yield _estimate(strategy, measure, HEADLINE, other, len(seeds), found, "bootstrap")


def _estimate(
    strategy: str, measure: str, metric: str, against: str, seeds: int, found: Mean, interval: str
) -> Estimate:
    made = "" if found.low is None else interval
    return Estimate(strategy, measure, metric, against, seeds, found.mean, found.low, found.high, made)


def _values(
    runs: Runs, strategy: str, seeds: Sequence[int], measure: str, metric: str, rare: Sequence[str]
) -> Values:
    if measure == LABELLED:
        ends = [runs.table(strategy, POSITIVES, seeds, label)[:, -1] for label in rare]
        return np.asarray(np.sum([np.zeros(len(seeds)), *ends], axis=0), dtype=np.float64)
    curves = runs.table(strategy, metric, seeds)
    if measure == FINAL:
        return curves[:, -1]
    return np.array([area(runs.labels, curve) for curve in curves])


def _saving(runs: Runs, strategy: str, other: str, seeds: Sequence[int]) -> Iterator[tuple[str, Mean]]:
    """Say with how many labels an arm reaches the end of another, and what share of the budget is left.

    Each seed's end of the other is what the arm is to reach under the same seed. `SAVED_COMMON` is the same
    with one score for all seeds, the mean of the other's ends.
    """
    curves, ends = runs.table(strategy, HEADLINE, seeds), runs.table(other, HEADLINE, seeds)[:, -1]
    budget, drawn = float(runs.labels[-1]), resampled(len(seeds)) / len(seeds)
    taken = np.array([reached(runs.labels, *one)[0] for one in zip(curves, ends[:, None], strict=True)])
    yield REACH, bootstrap(float(taken.mean()), drawn @ taken, len(seeds))
    saved = 100 * (1 - taken / budget)
    yield SAVED, bootstrap(float(saved.mean()), drawn @ saved, len(seeds))
    # The score to reach is resampled with the seeds it is the mean of; the first is the mean of all.
    shares = np.vstack([np.full(len(seeds), 1 / len(seeds)), drawn])
    wanted = shares @ ends
    common = np.stack([reached(runs.labels, curve, wanted) for curve in curves], axis=1)
    saved = 100 * (1 - (shares * common).sum(axis=1) / budget)
    yield SAVED_COMMON, bootstrap(float(saved[0]), saved[1:], len(seeds))
