"""From raw logits to probabilities that can be believed, and to yes or no."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Calibration:
    """How a version's logits are read."""

    temperature: float
    """Logits are divided by it before they become probabilities."""
    thresholds: tuple[float, ...]
    """The least probability, one a label, that is called positive."""


def calibrate(logits: NDArray[np.float32], targets: NDArray[np.float32]) -> Calibration:
    """Fit the temperature by likelihood and each threshold by F1, on images that were not trained on."""
    raise NotImplementedError
