"""A head that learns by how much a version errs: Yoo & Kweon, CVPR 2019 (arXiv:1905.03677).

It foretells no loss in its unit, but which of two images has the larger one, and learns that from all pairs
of a batch. The loss of an image is the mean of the binary cross-entropy over its judged labels.
"""

import math
from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from aloft.learning.draws import Batches
from aloft.learning.losses import by_image, ranking
from aloft.learning.scaling import Scaling, scaling_of
from aloft.learning.training import Plan, Training
from aloft.networks import Head, LossHead, seeded
from aloft.networks.loss_head import Layer

HIDDEN = 128
"""Values that each input is turned into, as in the paper."""

_STAGE = "learning to foretell losses"
_STEPS = 300
_BATCH = 64
_RATE = 1e-3
_DECAY = 1e-2


class Foreteller(nn.Module):
    """A loss head while it learns. Each of its inputs is scaled, so that a learning rate suits them all."""

    def __init__(self, scalings: Sequence[Scaling], seed: int) -> None:
        super().__init__()
        self._scalings = tuple(scalings)
        with seeded(seed):
            self.layers = nn.ModuleList(nn.Linear(len(each.centre), HIDDEN) for each in scalings)
            self.last = nn.Linear(HIDDEN * len(scalings), 1)
        for at, each in enumerate(scalings):
            self.register_buffer(f"centre_{at}", torch.tensor(each.centre, dtype=torch.float32))

    def forward(self, inputs: Sequence[torch.Tensor]) -> torch.Tensor:
        """Foretell the losses of a batch. No gradient reaches what made the inputs."""
        scaled = [
            (each.detach().float() - self.get_buffer(f"centre_{at}")) * scaling.factor
            for at, (each, scaling) in enumerate(zip(inputs, self._scalings, strict=True))
        ]
        hidden = [torch.relu(layer(each)) for layer, each in zip(self.layers, scaled, strict=True)]
        foretold: torch.Tensor = self.last(torch.cat(hidden, dim=1))[:, 0]
        return foretold

    def folded(self, *, staged: bool) -> LossHead:
        """Give the head as it is on raw inputs."""
        return LossHead(
            [
                _folded(cast(nn.Linear, layer), scaling)
                for layer, scaling in zip(self.layers, self._scalings, strict=True)
            ],
            Layer(*_values(self.last)),
            staged,
        )


def fit(features: NDArray[np.floating], targets: NDArray[np.float32], head: Head, seed: int = 0) -> LossHead:
    """Learn from images × feature size of a backbone that stays as it is, and what the head makes of them.

    `targets` are images × labels in {0, 1}, NaN where nobody was sure; images without any are left out.
    """
    if len(features) != len(targets):
        raise ValueError(f"{len(features)} rows of features, {len(targets)} of targets")
    judged = ~np.isnan(targets).all(axis=1)
    seen = torch.from_numpy(features[judged].astype(np.float32))
    losses = by_image(torch.from_numpy(head.logits(seen.numpy())), torch.from_numpy(targets[judged]))
    network = Foreteller([scaling_of(seen.numpy())], seed)
    batches = Batches(len(seen), _BATCH, seed)

    def loss(step: int) -> torch.Tensor:
        rows = torch.from_numpy(batches.rows(step))
        return ranking(network([seen[rows]]), losses[rows])

    plan = Plan(_STAGE, _STEPS, _RATE, 0.1, _DECAY, None, b"")
    learned = Training(network, loss, plan, torch.device("cpu")).run(_untold, _Nowhere(), math.inf)
    return learned.folded(staged=False)


def _folded(layer: nn.Linear, scaling: Scaling) -> Layer:
    raw = scaling.fold(*_values(layer))
    return Layer(raw.weight, raw.bias)


def _values(layer: nn.Linear) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    weight, bias = (each.detach().cpu().numpy() for each in (layer.weight, layer.bias))
    return weight, bias


def _untold(done: int, total: int, stage: str) -> None:
    """Learning takes less than a second: nobody waits to be told of it."""


class _Nowhere:
    """Keeps no checkpoint of what is learned so quickly."""

    def load(self) -> bytes | None:
        """Give none."""
        return None

    def save(self, data: bytes) -> None:
        """Keep none."""
