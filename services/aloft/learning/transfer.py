"""From arrays on the host to tensors on the device, without waiting for the device."""

import numpy as np
import torch
from numpy.typing import NDArray


def to_device(values: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Copy to the device; a GPU copies from pinned memory while it computes."""
    if device.type != "cuda":
        return values.to(device)
    return values.pin_memory().to(device, non_blocking=True)


def images_to_device(
    images: NDArray[np.floating], rows: NDArray[np.intp], device: torch.device
) -> torch.Tensor:
    """Fetch some of images × height × width × bands, as torch has them: bands first, channels_last."""
    batch = np.ascontiguousarray(images[rows], np.float32)
    return to_device(torch.from_numpy(batch).permute(0, 3, 1, 2), device)
