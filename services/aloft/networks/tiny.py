"""A network of a few thousand weights: for tests and the demo."""

from typing import ClassVar

import torch
from torch import nn

FEATURES = 32


class Tiny(nn.Module):
    """Three convolutions and a mean over the image. Takes any size."""

    num_features = FEATURES
    feature_info: ClassVar = [{"num_chs": 8}, {"num_chs": 16}, {"num_chs": FEATURES}]

    def __init__(self, bands: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(bands, 8, 3, stride=2, padding=1)
        self.middle = nn.Conv2d(8, 16, 3, stride=2, padding=1)
        self.last = nn.Conv2d(16, FEATURES, 3, stride=2, padding=1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Make one feature vector of each image."""
        last, _ = self.forward_intermediates(images)
        return self.forward_head(last)

    def forward_intermediates(
        self, images: torch.Tensor, indices: int = 3
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Make the map of features, and what the last layers give, as networks of timm do."""
        stages = []
        for layer in (self.stem, self.middle, self.last):
            images = torch.relu(layer(images))
            stages.append(images)
        return images, stages[-indices:]

    def forward_head(self, last: torch.Tensor) -> torch.Tensor:
        """Make features of their map."""
        return last.mean(dim=(2, 3))
