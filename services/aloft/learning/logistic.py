"""Heads solved to convergence: L2-regularised logistic regression, one problem a label."""

import numpy as np
from numpy.typing import NDArray

from aloft.networks import Head


def solve_head(features: NDArray[np.floating], targets: NDArray[np.float32]) -> Head:
    """Solve the head of images × feature size for targets in {0, 1}, NaN where nobody was sure."""
    raise NotImplementedError
