"""Pre-training by SimCLR: two views of an image are to lie closer than those of any other."""

import copy
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from aloft.learning.augmentation import augment
from aloft.learning.checkpoint import fingerprint
from aloft.learning.draws import Batches, drawn
from aloft.learning.losses import nt_xent
from aloft.learning.normalisation import measure_statistics
from aloft.learning.ports import Checkpoints, Progress
from aloft.learning.recipes import PretrainRecipe
from aloft.learning.training import Plan, Training
from aloft.learning.transfer import images_to_device
from aloft.networks import Backbone, seeded, training_precision

_STAGE = "pre-training"
_MEASURED = 8192
"""Images whose statistics stand for the pool's."""


def pretrain(
    backbone: Backbone,
    images: NDArray[np.floating],
    recipe: PretrainRecipe,
    device: torch.device,
    progress: Progress,
    checkpoints: Checkpoints,
    every_s: float = 30.0,
) -> Backbone:
    """Train a copy of the backbone on images × height × width × bands, without any label."""
    plan = Plan(
        stage=_STAGE,
        steps=recipe.steps,
        learning_rate=recipe.learning_rate,
        warm_up=recipe.warm_up,
        weight_decay=recipe.weight_decay,
        average=None,
        belongs_to=fingerprint(recipe, backbone, images),
    )
    network = _Projected(copy.deepcopy(backbone), recipe)
    network.train().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    batches = Batches(len(images), recipe.batch_images, recipe.seed)

    def loss(step: int) -> torch.Tensor:
        seen = images_to_device(images, batches.rows(step), device)
        draw = drawn(recipe.seed, "views", step)
        views = torch.cat([augment(seen, recipe.augmentation, draw) for _ in range(2)])
        with training_precision(views):
            projected = network(views)
        first, second = projected.float().chunk(2)
        return nt_xent(first, second, recipe.temperature)

    Training(network, loss, plan, device).run(progress, checkpoints, every_s)
    measure_statistics(network.backbone, _plain(images, recipe, device), device)
    return network.backbone.eval()


class _Projected(nn.Module):
    """A backbone with the projection that the loss compares, and that keeps its demands from the features."""

    def __init__(self, backbone: Backbone, recipe: PretrainRecipe) -> None:
        super().__init__()
        size = backbone.feature_size
        hidden = max(size, recipe.projection)
        self.backbone = backbone
        with seeded(recipe.seed):
            self.projection = nn.Sequential(
                nn.Linear(size, hidden, bias=False),
                nn.BatchNorm1d(hidden),
                nn.ReLU(),
                nn.Linear(hidden, recipe.projection),
            )

    def forward(self, views: torch.Tensor) -> torch.Tensor:
        projected: torch.Tensor = self.projection(self.backbone(views))
        return projected


def _plain(
    images: NDArray[np.floating], recipe: PretrainRecipe, device: torch.device
) -> Iterator[torch.Tensor]:
    """Give images as embedding will see them, a sample where there are many."""
    batches = Batches(len(images), recipe.batch_images, recipe.seed)
    taken = min(len(images), _MEASURED)
    for step in range(max(1, taken // recipe.batch_images)):
        yield images_to_device(images, batches.rows(step), device)
