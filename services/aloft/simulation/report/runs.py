"""The curves of an experiment: each arm under each seed, where it came to the end."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aloft.kit.errors import InvalidArgument
from aloft.simulation.report.reading import RESULTS, Files, Score

Values = NDArray[np.float64]
Arm = tuple[str, int]
"""A strategy under a seed."""
POSITIVES = "positives"
"""The metric that says how many labelled images have a label."""


@dataclass(frozen=True, slots=True)
class Runs:
    """What is compared: all curves are over the same numbers of labels."""

    strategies: tuple[str, ...]
    """In the order of the experiment."""
    labels: NDArray[np.int64]
    """Labelled images after each round."""
    metrics: tuple[str, ...]
    curves: Mapping[Arm, Mapping[tuple[str, str], Values]]
    """By metric and label, which is empty for a metric of all labels."""
    left_out: tuple[str, ...]
    """Arms that did not come to the end, in words."""

    def seeds(self, *strategies: str) -> list[int]:
        """Name the seeds under which all of these came to the end."""
        of = [{seed for name, seed in self.curves if name == each} for each in strategies]
        return sorted(set[int].intersection(*of))

    def table(self, strategy: str, metric: str, seeds: Sequence[int], label: str = "") -> Values:
        """Give the curves of an arm: seeds × rounds."""
        return np.stack([self.curves[strategy, seed][metric, label] for seed in seeds])

    @property
    def alike(self) -> tuple[str, ...]:
        """Name the arms in which nothing is drawn: each of several seeds scores as the first."""
        return tuple(name for name in self.strategies if self._alike(name))

    def _alike(self, strategy: str) -> bool:
        seeds = self.seeds(strategy)
        tables = [self.table(strategy, metric, seeds) for metric in self.metrics]
        return len(seeds) > 1 and all(bool((table == table[0]).all()) for table in tables)


def runs_of(files: Files) -> Runs:
    """Sort scores into curves; an arm that has not come as far as the others is left out, and named."""
    steps: dict[Arm, dict[int, int]] = defaultdict(dict)
    for score in files.scores:
        _step(steps[score.strategy, score.seed], score)
    whole = max((sorted(found.items()) for found in steps.values()), key=lambda found: (len(found), found))
    ended = {arm for arm, found in steps.items() if sorted(found.items()) == whole}
    curves = _curves([score for score in files.scores if (score.strategy, score.seed) in ended])
    metrics = sorted({metric for found in curves.values() for metric, label in found if not label})
    if not metrics:
        raise InvalidArgument.of(
            RESULTS, "has no score of all labels: give the test split positives to judge by"
        )
    _check(curves, [(each, "") for each in metrics], whole)
    _check(curves, [(POSITIVES, label) for label in files.labels], whole)
    asked = [*files.settings.get("strategies", ()), *sorted({name for name, _ in ended})]
    return Runs(
        strategies=tuple(name for name in dict.fromkeys(asked) if any(name == arm for arm, _ in ended)),
        labels=np.array([labels for _, labels in whole], dtype=np.int64),
        metrics=tuple(metrics),
        curves={arm: {key: _values(at, whole) for key, at in found.items()} for arm, found in curves.items()},
        left_out=tuple(_short(arm, steps[arm], whole) for arm in sorted(steps.keys() - ended)),
    )


_Cells = dict[Arm, dict[tuple[str, str], dict[int, float]]]


def _step(found: dict[int, int], score: Score) -> None:
    if found.setdefault(score.round, score.labels) != score.labels:
        said = f"{score.strategy}, seed {score.seed}, round {score.round}"
        raise InvalidArgument.of(RESULTS, f"{said} has both {found[score.round]} and {score.labels} labels")


def _curves(scores: Sequence[Score]) -> _Cells:
    curves: _Cells = {}
    for score in scores:
        arm = curves.setdefault((score.strategy, score.seed), {})
        cells = arm.setdefault((score.metric, score.label), {})
        if score.round in cells:
            said = (
                f"{score.strategy}, seed {score.seed}, round {score.round} has {score.metric} {score.label}"
            )
            raise InvalidArgument.of(RESULTS, f"{said.rstrip()} twice: run the experiment into a new folder")
        cells[score.round] = score.value
    return curves


def _check(curves: _Cells, wanted: Sequence[tuple[str, str]], whole: Sequence[tuple[int, int]]) -> None:
    for (name, seed), found in curves.items():
        for metric, label in wanted:
            missing = {number for number, _ in whole} - found.get((metric, label), {}).keys()
            if missing:
                said = f"{name}, seed {seed} has no {f'{metric} {label}'.rstrip()} in round {min(missing)}"
                raise InvalidArgument.of(RESULTS, f"{said}: run the experiment into a new folder")


def _values(cells: Mapping[int, float], whole: Sequence[tuple[int, int]]) -> Values:
    return np.array([cells.get(number, np.nan) for number, _ in whole], dtype=np.float64)


def _short(arm: Arm, found: Mapping[int, int], whole: Sequence[tuple[int, int]]) -> str:
    return (
        f"{arm[0]}, seed {arm[1]}: {len(found)} of {len(whole)} rounds, {max(found.values())} of"
        f" {whole[-1][1]} labels"
    )
