"""Batch normalisation where batches are no fair sample of the pool."""

from collections.abc import Iterable

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from aloft.networks import precision


def freeze_statistics(network: nn.Module) -> None:
    """Keep normalising by the statistics so far, while everything else trains."""
    for layer in _layers(network):
        layer.eval()


def measure_statistics(network: nn.Module, batches: Iterable[torch.Tensor], device: torch.device) -> None:
    """Take as statistics the averages over these batches, in place of those of augmented views."""
    layers = _layers(network)
    if not layers:
        return
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # averages all batches alike
        layer.train()
    with torch.no_grad(), precision(device):
        for batch in batches:
            network(batch)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
        layer.eval()


def _layers(network: nn.Module) -> list[_BatchNorm]:
    return [
        layer for layer in network.modules() if isinstance(layer, _BatchNorm) and layer.track_running_stats
    ]
