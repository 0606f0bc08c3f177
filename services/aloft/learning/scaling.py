"""Features centred and brought to one length: one regularisation and one learning rate suit them all."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aloft.networks import Head

MEAN_LENGTH = 4.0
"""Of centred features: with it, the regularisation of `solve_head` was found best for random labels."""


@dataclass(frozen=True, slots=True)
class Scaling:
    """What is taken off features, and by what they are multiplied after."""

    centre: NDArray[np.float64]
    factor: float

    def apply(self, features: NDArray[np.floating]) -> NDArray[np.float64]:
        """Scale features: images × feature size."""
        return (features - self.centre) * self.factor

    def fold(self, weight: NDArray[np.floating], bias: NDArray[np.floating]) -> Head:
        """Make of a head on scaled features the same head on raw ones."""
        raw = weight.astype(np.float64) * self.factor
        return Head(raw.astype(np.float32), (bias - raw @ self.centre).astype(np.float32))


def scaling_of(features: NDArray[np.floating]) -> Scaling:
    """Find the scaling of images × feature size."""
    wide = features.astype(np.float64)
    if not np.isfinite(wide).all():
        raise ValueError("there are features that are not finite")
    centre = wide.mean(axis=0)
    length = float(np.linalg.norm(wide - centre, axis=1).mean())
    # Features that are all alike, such as those of one image, stay at zero whatever the factor.
    return Scaling(centre, MEAN_LENGTH / length if length > 0 else 1.0)
