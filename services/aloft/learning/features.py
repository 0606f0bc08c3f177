"""The features of images that are in memory, or mapped into it."""

import numpy as np
import torch
from numpy.typing import NDArray

from aloft.networks import Backbone


def features_of(
    backbone: Backbone, images: NDArray[np.floating], device: torch.device, batch_images: int = 256
) -> NDArray[np.float32]:
    """Run images × height × width × bands through a backbone: images × feature size."""
    raise NotImplementedError
