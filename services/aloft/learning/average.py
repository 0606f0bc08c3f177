"""A moving average of weights, which is steadier than the last ones."""

import copy
from typing import Generic, TypeVar

import torch
from torch import nn

Network = TypeVar("Network", bound=nn.Module)


class Average(Generic[Network]):
    """The exponential moving average of a network, as a network of its own."""

    def __init__(self, network: Network, kept: float) -> None:
        self.network = copy.deepcopy(network)
        self._kept = kept

    @torch.no_grad()
    def update(self, network: Network, step: int) -> None:
        """Move towards the weights after a step; early on faster, so that the first weights are forgotten."""
        share = 1.0 - min(self._kept, (1 + step) / (10 + step))
        for mine, theirs in zip(
            self.network.state_dict().values(), network.state_dict().values(), strict=True
        ):
            if mine.is_floating_point():
                mine.lerp_(theirs, share)
            else:
                mine.copy_(theirs)
