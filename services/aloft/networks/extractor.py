"""The forward pass: images in, features out, on any device, with no wait that is not needed."""

from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray

from aloft.networks.backbone import Backbone
from aloft.networks.machine import precision


@dataclass(frozen=True, slots=True)
class Pending:
    """Features, and stages beside them where they are asked for, that a device may still be computing."""

    features: torch.Tensor
    done: "torch.cuda.Event | None" = None

    def result(self) -> NDArray[np.float32]:
        """Wait for them: images × feature size, the stages behind."""
        if self.done is not None:
            self.done.synchronize()
        values: NDArray[np.float32] = self.features.numpy()
        return values


class FeatureExtractor:
    """Runs a backbone over batches. On a GPU a batch is copied and computed while the one before is read.

    With `staged`, the mean over the image of each stage follows behind the features.
    """

    def __init__(self, backbone: Backbone, device: torch.device, *, staged: bool = False) -> None:
        self._device = device
        self._on_gpu = device.type == "cuda"
        self._staged = staged
        self.feature_size = backbone.feature_size
        self.size = self.feature_size + (sum(backbone.stage_sizes) if staged else 0)
        """Values of an image in an answer."""
        self._backbone = backbone.eval().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def submit(self, images: NDArray[np.float32]) -> Pending:
        """Start on images × height × width × bands; ask the answer for its result later."""
        # Images × height × width × bands in memory is what torch calls channels_last: no copy is made.
        batch = torch.from_numpy(images).permute(0, 3, 1, 2)
        with torch.inference_mode(), precision(self._device):
            if not self._on_gpu:
                return Pending(self._forward(batch))
            features = self._forward(batch.pin_memory().to(self._device, non_blocking=True))
            answer = torch.empty(features.shape, dtype=torch.float32, pin_memory=True)
            answer.copy_(features, non_blocking=True)
            done = torch.cuda.Event()  # type: ignore[no-untyped-call]
            done.record()
            return Pending(answer, done)

    def __call__(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Make the features of images × height × width × bands, and wait for them."""
        return self.submit(images).result()

    def _forward(self, batch: torch.Tensor) -> torch.Tensor:
        if not self._staged:
            return cast(torch.Tensor, self._backbone(batch).float())
        features, stages = self._backbone.staged(batch)
        return torch.cat([features.float(), *(stage.float() for stage in stages)], dim=1)
