"""Fine-tuning: backbone and head together, on the labels so far."""

import copy

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from aloft.learning.augmentation import augment
from aloft.learning.checkpoint import fingerprint
from aloft.learning.draws import Batches, drawn
from aloft.learning.features import features_of
from aloft.learning.logistic import solve
from aloft.learning.losses import multi_label
from aloft.learning.normalisation import freeze_statistics
from aloft.learning.ports import Checkpoints, Progress
from aloft.learning.recipes import FineTuneRecipe
from aloft.learning.scaling import Scaling, scaling_of
from aloft.learning.training import Plan, Training
from aloft.learning.transfer import images_to_device, to_device
from aloft.networks import Backbone, Head, precision

_STAGE = "fine-tuning"
_ENOUGH = 16
"""Images whose statistics are worth normalising by; with fewer, those of pre-training stay."""


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
    if len(images) != len(targets):
        raise ValueError(f"{len(images)} images, {len(targets)} rows of targets")
    batches = Batches(len(images), recipe.batch_images, recipe.seed)
    plan = Plan(
        stage=_STAGE,
        steps=recipe.steps,
        learning_rate=recipe.learning_rate,
        warm_up=recipe.warm_up,
        weight_decay=recipe.weight_decay,
        average=recipe.average,
        belongs_to=fingerprint(recipe, backbone, images, targets),
    )
    network = _Classifier.solved(copy.deepcopy(backbone), images, targets, device).train()
    if batches.size < _ENOUGH:
        freeze_statistics(network)
    weight = to_device(_positive_weight(targets, recipe.largest_positive_weight), device)

    def loss(step: int) -> torch.Tensor:
        rows = batches.rows(step)
        seen = images_to_device(images, rows, device)
        wanted = to_device(torch.from_numpy(targets[rows]), device)
        views = augment(seen, recipe.augmentation, drawn(recipe.seed, "views", step))
        return multi_label(network(views), wanted, weight, recipe)

    result = Training(network, loss, plan, device).run(progress, checkpoints, every_s)
    return result.backbone, result.folded()


class _Classifier(nn.Module):
    """A backbone with a head on scaled features, so that a learning rate means the same to all."""

    def __init__(self, backbone: Backbone, scaling: Scaling, labels: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.scaling = scaling
        self.head = nn.Linear(backbone.feature_size, labels, device="meta").to_empty(device="cpu")
        self.register_buffer("centre", torch.tensor(scaling.centre, dtype=torch.float32))

    @classmethod
    def solved(
        cls,
        backbone: Backbone,
        images: NDArray[np.floating],
        targets: NDArray[np.float32],
        device: torch.device,
    ) -> "_Classifier":
        """Start from the head that is solved on the backbone as it is."""
        features = features_of(backbone, images, device)
        scaling = scaling_of(features)
        weight, bias = solve(scaling.apply(features), targets)
        network = cls(backbone, scaling, targets.shape[1])
        with torch.no_grad():
            network.head.weight.copy_(torch.from_numpy(weight))
            network.head.bias.copy_(torch.from_numpy(bias))
        return network.to(device)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Make the logits of a batch."""
        with precision(images.device):
            features = self.backbone(images)
        logits: torch.Tensor = self.head((features.float() - self.centre) * self.scaling.factor)
        return logits

    def folded(self) -> Head:
        """Give the head as it is on raw features."""
        weight, bias = (each.detach().cpu().numpy() for each in (self.head.weight, self.head.bias))
        return self.scaling.fold(weight, bias)


def _positive_weight(targets: NDArray[np.float32], largest: float) -> torch.Tensor:
    positives = np.nansum(targets, axis=0)
    negatives = (~np.isnan(targets)).sum(axis=0) - positives
    return torch.from_numpy(
        np.clip(negatives / np.maximum(positives, 1.0), 1.0, max(1.0, largest)).astype(np.float32)
    )
