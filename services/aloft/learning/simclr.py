"""Pre-training by SimCLR: two views of an image are to lie closer than those of any other."""

import numpy as np
import torch
from numpy.typing import NDArray

from aloft.learning.ports import Checkpoints, Progress
from aloft.learning.recipes import PretrainRecipe
from aloft.networks import Backbone


def pretrain(
    backbone: Backbone,
    images: NDArray[np.floating],
    recipe: PretrainRecipe,
    device: torch.device,
    progress: Progress,
    checkpoints: Checkpoints,
    every_s: float = 30.0,
) -> Backbone:
    """Train a copy of the backbone on images × height × width × bands, without any label."""
    raise NotImplementedError
