"""How good a version's logits are on judged images."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aloft.learning.calibration import Calibration


@dataclass(frozen=True, slots=True)
class LabelScore:
    """How good a version is at one label."""

    label: str
    judged: int
    """Images on which the label was called positive or negative."""
    positives: int
    ap: float | None
    """Average precision; none where the judged are all alike."""
    interval: tuple[float, float] | None
    """Where 95 % of the average precisions lie when images are drawn anew."""
    f1: float | None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How good a version is, on one split. A score is none where no label could be judged."""

    map_macro: float | None
    """The mean of the labels' average precisions: those that have one."""
    map_macro_interval: tuple[float, float] | None
    map_micro: float | None
    f1_macro: float | None
    f1_micro: float | None
    ece: float | None
    """The expected calibration error."""
    rare_map: float | None
    """The mean over labels with less than 5 % positives."""
    labels: tuple[LabelScore, ...]

    @property
    def unscored(self) -> tuple[str, ...]:
        """Name the labels that have no average precision, because the judged are all alike."""
        return tuple(each.label for each in self.labels if each.ap is None)

    def scalars(self) -> dict[str, float]:
        """Give the scores that there are by name, as a version publishes them."""
        raise NotImplementedError


def evaluate(
    logits: NDArray[np.float32],
    targets: NDArray[np.float32],
    calibration: Calibration,
    labels: Sequence[str],
) -> Evaluation:
    """Judge raw logits, images × labels, against targets in {0, 1}, NaN where nobody was sure."""
    raise NotImplementedError
