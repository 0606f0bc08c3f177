"""The weights that every round begins with, learned without labels and kept for whoever asks again."""

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from aloft.learning import PretrainRecipe, Progress, pretrain
from aloft.networks import Backbone, backbone_digest, build, load_weights, save_weights
from aloft.simulation.keeping import FileCheckpoints, write_whole

log = logging.getLogger(__name__)

BATCH = 256


@dataclass(frozen=True, slots=True)
class Pretraining:
    """What decides, with the images, which weights pre-training ends with."""

    architecture: str
    bands: int
    epochs: int
    seed: int

    def recipe(self, images: int) -> PretrainRecipe:
        """Count the steps that so many passes over the images take."""
        steps = self.epochs * max(1, images // BATCH)
        return PretrainRecipe(steps=steps, batch_images=BATCH, seed=self.seed)


def pretrained(
    plan: Pretraining, images: NDArray[np.float16], cache: Path, device: torch.device, progress: Progress
) -> Backbone:
    """Pre-train a network on images, or take its weights from the cache."""
    backbone = build(plan.architecture, plan.bands, plan.seed)
    path = cache / "weights" / f"{_key(plan, images, device)}.safetensors"
    if path.exists():
        return load_weights(backbone, path.read_bytes())
    checkpoints = FileCheckpoints(path.with_suffix(".checkpoint"))
    trained = pretrain(backbone, images, plan.recipe(len(images)), device, progress, checkpoints)
    trained = trained.cpu()
    write_whole(path, save_weights(trained))
    checkpoints.clear()
    log.info("weights %s kept as %s", backbone_digest(trained), path)
    return trained


def _key(plan: Pretraining, images: NDArray[np.float16], device: torch.device) -> str:
    decides = (plan, plan.recipe(len(images)), images.shape, device.type, torch.__version__)
    sha256 = hashlib.sha256("\n".join(map(str, decides)).encode())
    for image in images:
        sha256.update(image.tobytes())
    return sha256.hexdigest()
