"""From raw logits to probabilities that can be believed, and to yes or no."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_COLDEST, _HOTTEST = 0.05, 20.0
"""Temperatures beyond these only say that the images were too few to find one."""

_LOWEST_CUT = -700.0
"""Below it a probability is no positive number of double precision."""

_BISECTIONS = 60


@dataclass(frozen=True, slots=True)
class Calibration:
    """How a version's logits are read."""

    temperature: float
    """Logits are divided by it before they become probabilities."""
    thresholds: tuple[float, ...]
    """The least probability, one a label, that is called positive."""

    def probabilities(self, logits: NDArray[np.floating]) -> NDArray[np.float64]:
        """Turn raw logits into probabilities."""
        return sigmoid(logits / np.float64(self.temperature))


def sigmoid(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Turn logits into probabilities, without overflow, and however small they are."""
    values = logits.astype(np.float64)
    least = np.exp(-np.abs(values))
    chances: NDArray[np.float64] = np.where(values < 0, least, 1.0) / (1.0 + least)
    return chances


def calibrate(logits: NDArray[np.float32], targets: NDArray[np.float32]) -> Calibration:
    """Fit the temperature by likelihood and each threshold by F1, on images that were not trained on.

    Where there is nothing to fit by, the temperature is 1 and a label's threshold ½.
    """
    check_shapes(logits, targets)
    judged = ~np.isnan(targets)
    temperature = _temperature(logits[judged].astype(np.float64), targets[judged].astype(np.float64))
    thresholds = tuple(
        _threshold(logits[rows, label] / np.float64(temperature), targets[rows, label] > 0.5)
        for label, rows in enumerate(judged.T)
    )
    return Calibration(temperature, thresholds)


def check_shapes(logits: NDArray[np.floating], targets: NDArray[np.floating]) -> None:
    """Refuse logits that are not finite, or of other images or labels than the targets."""
    if logits.shape != targets.shape or logits.ndim != 2:
        raise ValueError(f"logits of {logits.shape}, targets of {targets.shape}")
    if not np.isfinite(logits).all():
        raise ValueError("there are logits that are not finite")


def _temperature(logits: NDArray[np.float64], targets: NDArray[np.float64]) -> float:
    if len(logits) == 0:
        return 1.0
    low, high = np.log(1.0 / _HOTTEST), np.log(1.0 / _COLDEST)
    # The likelihood is concave in 1/temperature, so its slope changes its sign once.
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        rising = ((targets - sigmoid(np.exp(middle) * logits)) * logits).sum() > 0
        low, high = (middle, high) if rising else (low, middle)
    return float(np.exp(-0.5 * (low + high)))


def _threshold(logits: NDArray[np.float64], positive: NDArray[np.bool_]) -> float:
    if not positive.any() or positive.all():
        return 0.5
    order = np.argsort(-logits, kind="stable")
    ordered = logits[order]
    true = np.cumsum(positive[order])
    f1 = 2.0 * true / (np.arange(1, len(ordered) + 1) + true[-1])
    # Between two scores, because one and the same score is called alike. Below the lowest nothing decides.
    cuts = np.append(0.5 * (ordered[:-1] + ordered[1:]), ordered[-1])
    possible = np.append(np.diff(ordered) != 0, True)
    best = np.flatnonzero(possible & (f1 >= f1[possible].max() - 1e-12))
    cut = cuts[best[np.argmin(np.abs(cuts[best]))]]
    # A probability of 0 would be reached by every image.
    return float(sigmoid(np.maximum(cut, _LOWEST_CUT)))
