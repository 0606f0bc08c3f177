"""How good a version is on held-out images, and how its logits are to be read."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aloft.learning import Calibration, Evaluation, calibrate, evaluate
from aloft.networks.head import Head
from aloft.trainer.domain.snapshot import Item, Split

HELD_OUT: tuple[Split, ...] = (Split.VALIDATION, Split.TEST)
"""In the order in which they are preferred to calibrate and to score on."""


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdict on one version."""

    calibration: Calibration
    evaluations: Mapping[Split, Evaluation]
    """Of the splits that have labelled images."""
    on: Split | None
    """Where it was calibrated, and where its score is from; None where nothing held out is labelled."""
    not_finite: Mapping[Split, int]
    """Held-out images that are left out because half precision cannot hold their features."""

    @property
    def score(self) -> float | None:
        """What the gate and the stop rules go by."""
        return None if self.on is None else self.evaluations[self.on].map_macro

    @property
    def metrics(self) -> dict[str, float]:
        """Every score by its name, the split's first."""
        return {
            f"{split.value}/{name}": float(value)
            for split, evaluation in self.evaluations.items()
            for name, value in _scores(evaluation)
        }

    def about(self) -> dict[str, Any]:
        """Say in a card what metrics leave out: intervals, counts, and labels that cannot be judged."""
        return {
            "judged_on": None if self.on is None else self.on.value,
            "evaluation": {split.value: asdict(each) for split, each in self.evaluations.items()},
            "features_not_finite": {split.value: count for split, count in self.not_finite.items()},
            "labels_not_judged": {split.value: each.unscored for split, each in self.evaluations.items()},
        }


def _scores(evaluation: Evaluation) -> Iterator[tuple[str, float]]:
    yield from evaluation.scalars().items()
    for each in evaluation.labels:
        if each.ap is not None:
            yield f"ap/{each.label}", each.ap


def targets(items: Sequence[Item], labels: Sequence[str]) -> NDArray[np.float32]:
    """Write label sets as images × labels: 1 for positive, 0 for negative, NaN for unsure."""
    column = {label: number for number, label in enumerate(labels)}
    written = np.zeros((len(items), len(labels)), np.float32)
    for row, item in enumerate(items):
        written[row, [column[label] for label in item.unsure if label in column]] = np.nan
        written[row, [column[label] for label in item.positive if label in column]] = 1
    return written


def judge(
    features: Mapping[Split, NDArray[np.float32]],
    judged: Mapping[Split, NDArray[np.float32]],
    head: Head,
    labels: Sequence[str],
) -> Judged:
    """Calibrate on validation, or on test where nothing of it is labelled, and evaluate on both."""
    told = {split: _finite(features[split], judged[split], head) for split in HELD_OUT if split in features}
    lost = {split: len(judged[split]) - len(each.logits) for split, each in told.items()}
    told = {split: each for split, each in told.items() if len(each.logits)}
    on = next(iter(told), None)
    if on is None:
        return Judged(Calibration(1.0, (0.5,) * len(labels)), {}, None, lost)
    calibration = calibrate(told[on].logits, told[on].targets)
    evaluations = {
        split: evaluate(each.logits, each.targets, calibration, labels) for split, each in told.items()
    }
    return Judged(calibration, evaluations, on, lost)


@dataclass(frozen=True, slots=True)
class _Told:
    logits: NDArray[np.float32]
    targets: NDArray[np.float32]


def _finite(features: NDArray[np.float32], judged: NDArray[np.float32], head: Head) -> _Told:
    # As those of the pool are made: from features in half precision, so that scores speak of the same logits.
    with np.errstate(over="ignore", invalid="ignore"):
        logits = head.logits(features.astype(np.float16))
    finite = np.isfinite(logits).all(axis=1)
    return _Told(logits[finite], judged[finite])
