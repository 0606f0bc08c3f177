"""The features of images that are in memory, or mapped into it."""

import numpy as np
import torch
from numpy.typing import NDArray

from aloft.networks import Backbone, FeatureExtractor


def features_of(
    backbone: Backbone,
    images: NDArray[np.floating],
    device: torch.device,
    batch_images: int = 256,
    *,
    staged: bool = False,
) -> NDArray[np.float32]:
    """Run images × height × width × bands through a backbone: images × feature size, any stages behind."""
    extractor = FeatureExtractor(backbone, device, staged=staged)
    features = np.empty((len(images), extractor.size), np.float32)
    pending = None
    for start in range(0, len(images), batch_images):
        batch = np.ascontiguousarray(images[start : start + batch_images], np.float32)
        submitted = extractor.submit(batch)
        # The batch before is fetched only now, so that a device always has one to work on.
        if pending is not None:
            features[start - batch_images : start] = pending.result()
        pending = submitted
    if pending is not None:
        last = pending.result()
        features[len(images) - len(last) :] = last
    return features
