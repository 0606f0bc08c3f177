"""What tables, charts and page say of an experiment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aloft.kit.errors import InvalidArgument
from aloft.simulation.report.estimates import METRICS, Estimate, estimates
from aloft.simulation.report.reading import Files
from aloft.simulation.report.runs import POSITIVES, Runs, runs_of
from aloft.simulation.report.student import Mean, mean_of

RANDOM = "random"


@dataclass(frozen=True, slots=True)
class Summary:
    """All figures, made once."""

    files: Files
    runs: Runs
    against: tuple[str, ...]
    """The arms that others are compared with, `random` first where there is one."""
    estimates: Mapping[tuple[str, str, str, str], Estimate]
    """By strategy, measure, metric and the arm compared with."""
    curves: Mapping[tuple[str, str], Sequence[Mean]]
    """By metric and strategy, after each round."""
    positives: Mapping[tuple[str, str], float]
    """By strategy and label: labelled images that have it in the end, the mean over seeds."""
    seconds: Mapping[tuple[str, str], float]
    """By strategy and stage: of all rounds together, the mean over seeds."""

    @property
    def metrics(self) -> list[str]:
        """Name the metrics that there are, the most telling first."""
        return [metric for metric in METRICS if metric in self.runs.metrics]

    @property
    def budget(self) -> int:
        """How many images are labelled in the end."""
        return int(self.runs.labels[-1])

    def of(self, strategy: str, measure: str, metric: str, against: str = "") -> Estimate | None:
        """Give an estimate, where there is one."""
        return self.estimates.get((strategy, measure, metric, against))


def summarise(files: Files, against: Sequence[str] = ()) -> Summary:
    """Sum an experiment up; arms are compared with `random` and with those named in `against`."""
    runs = runs_of(files)
    unknown = [name for name in against if name not in runs.strategies]
    if unknown:
        raise InvalidArgument.of(
            "against", f"no arm {unknown[0]!r} came to the end: name one of {', '.join(runs.strategies)}"
        )
    others = tuple(dict.fromkeys([*(name for name in runs.strategies if name == RANDOM), *against]))
    return Summary(
        files=files,
        runs=runs,
        against=others,
        estimates={one.key: one for one in estimates(runs, files.rare, others)},
        curves=_curves(runs),
        positives=_positives(runs, files.labels),
        seconds=_seconds(files, runs),
    )


def _curves(runs: Runs) -> dict[tuple[str, str], Sequence[Mean]]:
    return {
        (metric, name): [mean_of(at) for at in runs.table(name, metric, runs.seeds(name)).T]
        for metric in runs.metrics
        for name in runs.strategies
    }


def _positives(runs: Runs, labels: Sequence[str]) -> dict[tuple[str, str], float]:
    return {
        (name, label): float(runs.table(name, POSITIVES, runs.seeds(name), label)[:, -1].mean())
        for name in runs.strategies
        for label in labels
    }


def _seconds(files: Files, runs: Runs) -> dict[tuple[str, str], float]:
    found: dict[tuple[str, str], float] = {}
    for one in files.timings:
        if (one.strategy, one.seed) in runs.curves:
            share = one.seconds / len(runs.seeds(one.strategy))
            found[one.strategy, one.stage] = found.get((one.strategy, one.stage), 0.0) + share
    return found
