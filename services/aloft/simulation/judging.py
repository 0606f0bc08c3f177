"""How good a version is on the test split, read with thresholds from the validation split."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aloft.learning import calibrate, evaluate
from aloft.simulation.versions import Version


@dataclass(frozen=True, slots=True)
class Judge:
    """Holds the labels of the splits that judge."""

    labels: tuple[str, ...]
    rare: frozenset[str]
    validation: NDArray[np.float32]
    test: NDArray[np.float32]

    def scores(self, version: Version) -> tuple[dict[str, float], dict[str, float]]:
        """Give scores by metric, and average precisions by label; none where the split cannot tell."""
        calibration = calibrate(version.validation, self.validation)
        found = evaluate(version.test, self.test, calibration, self.labels, intervals=False)
        ap = {each.label: each.ap for each in found.labels if each.ap is not None}
        rare = [value for label, value in ap.items() if label in self.rare]
        scores = {
            "map_macro": found.map_macro,
            "map_micro": found.map_micro,
            "map_rare": float(np.mean(rare)) if rare else None,
            "f1_macro": found.f1_macro,
            "f1_micro": found.f1_micro,
        }
        return {metric: value for metric, value in scores.items() if value is not None}, ap
