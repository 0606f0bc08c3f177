"""A moving average of weights, which is steadier than the last ones."""

import copy
from typing import Generic, NamedTuple, TypeVar

import torch
from torch import nn

Network = TypeVar("Network", bound=nn.Module)


class Average(Generic[Network]):
    """The exponential moving average of a network, as a network of its own."""

    def __init__(self, network: Network, kept: float) -> None:
        self.network = copy.deepcopy(network)
        self._kept = kept
        self._mine, self._theirs = _told_apart(self.network), _told_apart(network)

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Move towards the weights after a step; early on faster, so that the first weights are forgotten."""
        share = 1.0 - min(self._kept, (1 + step) / (10 + step))
        torch._foreach_lerp_(self._mine.averaged, self._theirs.averaged, share)
        for mine, theirs in zip(self._mine.counts, self._theirs.counts, strict=True):
            mine.copy_(theirs)


class _Tensors(NamedTuple):
    averaged: list[torch.Tensor]
    counts: list[torch.Tensor]


def _told_apart(network: nn.Module) -> _Tensors:
    # Looked up once: training changes a network's tensors in place.
    tensors = list(network.state_dict().values())
    return _Tensors(
        [each for each in tensors if each.is_floating_point()],
        [each for each in tensors if not each.is_floating_point()],
    )
