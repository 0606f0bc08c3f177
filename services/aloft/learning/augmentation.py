"""Views of images: a whole batch at once, on the device that trains.

What is drawn is drawn on the host, a few numbers an image, so that it is the same on every device.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from aloft.learning.recipes import Augmentation
from aloft.learning.transfer import to_device

_TURNS = np.array([[[1, 0], [0, 1]], [[0, -1], [1, 0]], [[-1, 0], [0, -1]], [[0, 1], [-1, 0]]], np.float32)


def augment(images: torch.Tensor, how: Augmentation, draw: np.random.Generator) -> torch.Tensor:
    """Make one view of each image."""
    count, bands, height, width = images.shape
    with torch.no_grad():
        windows = _windows(count, how, draw, square=height == width)
        grid = functional.affine_grid(
            to_device(torch.from_numpy(windows), images.device), list(images.shape), align_corners=False
        )
        views = functional.grid_sample(images, grid, padding_mode="reflection", align_corners=False)
        gain, offset, grey = (
            to_device(torch.from_numpy(values[:, :, None, None]), images.device)
            for values in _colours(count, bands, how, draw)
        )
        views = views * gain + offset
        if bands == 3 and how.grey > 0:
            views = torch.lerp(views, views.mean(dim=1, keepdim=True).expand_as(views), grey.expand_as(views))
        return views.contiguous(memory_format=torch.channels_last)


def _windows(count: int, how: Augmentation, draw: np.random.Generator, square: bool) -> NDArray[np.float32]:
    """Draw where each view lies in its image, turned and mirrored: an affine map from view to image."""
    area = draw.uniform(how.smallest_crop, 1.0, count)
    stretch = np.exp(draw.uniform(-0.5, 0.5, count) * np.log(how.aspect))
    # Width before height, as the maps have x before y. Both reach from −1 to 1.
    size = np.minimum(np.sqrt(area)[:, None] * np.stack([stretch, 1.0 / stretch], axis=1), 1.0)
    middle = draw.uniform(-1.0, 1.0, (count, 2)) * (1.0 - size)
    # A quarter turn would stretch what is not square.
    turn = _TURNS[draw.integers(0, 4, count) if square else 2 * draw.integers(0, 2, count)]
    mirror = draw.choice([-1.0, 1.0], (count, 1))
    turn[:, :, 0] *= mirror
    return np.concatenate([size[:, :, None] * turn, middle[:, :, None]], axis=2, dtype=np.float32)


def _colours(
    count: int, bands: int, how: Augmentation, draw: np.random.Generator
) -> tuple[NDArray[np.float32], ...]:
    """Draw the gain and the offset of each band, and which images turn grey."""
    together, apart = draw.uniform(-1.0, 1.0, (2, count, 1)), draw.uniform(-0.5, 0.5, (2, count, bands))
    gain = (1.0 + how.gain * together[0]) * (1.0 + how.gain * apart[0])
    offset = how.offset * (together[1] + apart[1])
    grey = draw.random((count, 1)) < how.grey
    return gain.astype(np.float32), offset.astype(np.float32), grey.astype(np.float32)
