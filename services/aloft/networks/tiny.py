"""A network of a few thousand weights: for tests and the demo."""

import torch
from torch import nn

FEATURES = 32


class Tiny(nn.Module):
    """Three convolutions and a mean over the image. Takes any size."""

    num_features = FEATURES

    def __init__(self, bands: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(bands, 8, 3, stride=2, padding=1)
        self.middle = nn.Conv2d(8, 16, 3, stride=2, padding=1)
        self.last = nn.Conv2d(16, FEATURES, 3, stride=2, padding=1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Make one feature vector of each image."""
        for layer in (self.stem, self.middle, self.last):
            images = torch.relu(layer(images))
        return images.mean(dim=(2, 3))
