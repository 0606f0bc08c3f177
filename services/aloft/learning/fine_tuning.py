"""Fine-tuning: backbone and head together, on the labels so far."""

import numpy as np
import torch
from numpy.typing import NDArray

from aloft.learning.ports import Checkpoints, Progress
from aloft.learning.recipes import FineTuneRecipe
from aloft.networks import Backbone, Head


def fine_tune(
    backbone: Backbone,
    images: NDArray[np.floating],
    targets: NDArray[np.float32],
    recipe: FineTuneRecipe,
    device: torch.device,
    progress: Progress,
    checkpoints: Checkpoints,
    every_s: float = 30.0,
) -> tuple[Backbone, Head]:
    """Train a copy of the backbone, and a head, on images × labels in {0, 1}, NaN where nobody was sure."""
    raise NotImplementedError
