"""Fine-tuning: backbone and head together, on the labels so far."""

import copy
from typing import Self, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from aloft.learning.augmentation import augment
from aloft.learning.checkpoint import fingerprint
from aloft.learning.draws import Batches, drawn
from aloft.learning.features import features_of
from aloft.learning.logistic import solve
from aloft.learning.loss_head import Foreteller
from aloft.learning.losses import by_image, multi_label, ranking
from aloft.learning.normalisation import freeze_statistics
from aloft.learning.ports import Checkpoints, Progress
from aloft.learning.recipes import FineTuneRecipe
from aloft.learning.scaling import Scaling, scaling_of
from aloft.learning.training import Plan, Training
from aloft.learning.transfer import images_to_device, to_device
from aloft.networks import Backbone, Head, LossHead, training_precision

_STAGE = "fine-tuning"
_ENOUGH = 16
"""Images whose statistics are worth normalising by; with fewer, those of pre-training stay."""

_Tuned = TypeVar("_Tuned", bound="_Classifier")


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
    tuned = _tune(
        _Classifier, recipe, backbone, images, targets, recipe, device, progress, checkpoints, every_s
    )
    return tuned.backbone, tuned.folded()


def fine_tune_with_losses(
    backbone: Backbone,
    images: NDArray[np.floating],
    targets: NDArray[np.float32],
    recipe: FineTuneRecipe,
    device: torch.device,
    progress: Progress,
    checkpoints: Checkpoints,
    every_s: float = 30.0,
) -> tuple[Backbone, Head, LossHead]:
    """Train as `fine_tune` does, and beside it a loss head on stages of the backbone.

    Nothing that the loss head learns reaches the backbone: backbone and head are those of `fine_tune`, to the
    last bit, and who compares strategies compares what they choose, not how their networks were trained.
    """
    decides = (recipe, "losses")
    tuned = _tune(
        _Foretelling, decides, backbone, images, targets, recipe, device, progress, checkpoints, every_s
    )
    return tuned.backbone, tuned.folded(), tuned.foreteller.folded(staged=True)


def _tune(
    kind: type[_Tuned],
    decides: object,
    backbone: Backbone,
    images: NDArray[np.floating],
    targets: NDArray[np.float32],
    recipe: FineTuneRecipe,
    device: torch.device,
    progress: Progress,
    checkpoints: Checkpoints,
    every_s: float,
) -> _Tuned:
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
        belongs_to=fingerprint(decides, backbone, images, targets),
    )
    network = kind.solved(copy.deepcopy(backbone), images, targets, device, recipe.seed).train()
    if batches.size < _ENOUGH:
        freeze_statistics(network)
    weight = to_device(_positive_weight(targets, recipe.largest_positive_weight), device)

    def loss(step: int) -> torch.Tensor:
        rows = batches.rows(step)
        seen = images_to_device(images, rows, device)
        wanted = to_device(torch.from_numpy(targets[rows]), device)
        views = augment(seen, recipe.augmentation, drawn(recipe.seed, "views", step))
        return network.loss(views, wanted, weight, recipe)

    return Training(network, loss, plan, device).run(progress, checkpoints, every_s)


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
        seed: int,
    ) -> Self:
        """Start from the head that is solved on the backbone as it is."""
        return cls._on(backbone, features_of(backbone, images, device), targets).to(device)

    @classmethod
    def _on(cls, backbone: Backbone, features: NDArray[np.float32], targets: NDArray[np.float32]) -> Self:
        scaling = scaling_of(features)
        weight, bias = solve(scaling.apply(features), targets)
        network = cls(backbone, scaling, targets.shape[1])
        with torch.no_grad():
            network.head.weight.copy_(torch.from_numpy(weight))
            network.head.bias.copy_(torch.from_numpy(bias))
        return network

    def loss(
        self, views: torch.Tensor, wanted: torch.Tensor, weight: torch.Tensor, recipe: FineTuneRecipe
    ) -> torch.Tensor:
        """Make the loss of a batch."""
        with training_precision(views):
            features = self.backbone(views)
        return multi_label(self.logits(features), wanted, weight, recipe)

    def logits(self, features: torch.Tensor) -> torch.Tensor:
        """Make the logits of a batch's features."""
        logits: torch.Tensor = self.head((features.float() - self.get_buffer("centre")) * self.scaling.factor)
        return logits

    def folded(self) -> Head:
        """Give the head as it is on raw features."""
        weight, bias = (each.detach().cpu().numpy() for each in (self.head.weight, self.head.bias))
        return self.scaling.fold(weight, bias)


class _Foretelling(_Classifier):
    """The same with a loss head beside it."""

    foreteller: Foreteller

    @classmethod
    def solved(
        cls,
        backbone: Backbone,
        images: NDArray[np.floating],
        targets: NDArray[np.float32],
        device: torch.device,
        seed: int,
    ) -> Self:
        """Start from the same head, and a loss head drawn from the seed."""
        both = features_of(backbone, images, device, staged=True)
        ends = np.cumsum([backbone.feature_size, *backbone.stage_sizes[:-1]])
        features, *stages = np.split(both, ends, axis=1)
        network = cls._on(backbone, features, targets)
        network.foreteller = Foreteller([scaling_of(stage) for stage in stages], seed)
        return network.to(device)

    def loss(
        self, views: torch.Tensor, wanted: torch.Tensor, weight: torch.Tensor, recipe: FineTuneRecipe
    ) -> torch.Tensor:
        """Make the loss of a batch, and that of foretelling it."""
        with training_precision(views):
            features, stages = self.backbone.staged(views)
        logits = self.logits(features)
        losses = by_image(logits.detach(), wanted)
        return multi_label(logits, wanted, weight, recipe) + ranking(self.foreteller(stages), losses)


def _positive_weight(targets: NDArray[np.float32], largest: float) -> torch.Tensor:
    positives = np.nansum(targets, axis=0)
    negatives = (~np.isnan(targets)).sum(axis=0) - positives
    return torch.from_numpy(
        np.clip(negatives / np.maximum(positives, 1.0), 1.0, max(1.0, largest)).astype(np.float32)
    )
