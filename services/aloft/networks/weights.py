"""Weights as safetensors bytes, whether they fit, and the digest that says what a backbone computes."""

import hashlib
from collections.abc import Collection, Mapping

import safetensors.torch
import torch
from safetensors import SafetensorError

from aloft.networks import head as heads
from aloft.networks import loss_head as loss_heads
from aloft.networks.backbone import Backbone
from aloft.networks.errors import WeightsDoNotFit
from aloft.networks.head import Head
from aloft.networks.loss_head import LossHead

_COUNTERS = "num_batches_tracked"
"""Of batch normalisation: how often it was trained. Not part of what a network computes."""

_SHOWN = 4


def save_weights(backbone: Backbone, head: Head | None = None, loss_head: LossHead | None = None) -> bytes:
    """Write a version's weights, a base version's without a head: the same bytes for the same weights."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in _state(backbone).items()}
    if head is not None:
        tensors |= {
            heads.WEIGHT: torch.tensor(head.weight, dtype=torch.float32),
            heads.BIAS: torch.tensor(head.bias, dtype=torch.float32),
        }
    if loss_head is not None:
        said = loss_heads.loss_tensors(loss_head)
        tensors |= {name: torch.tensor(value, dtype=torch.float32) for name, value in said.items()}
    return safetensors.torch.save(tensors)


def load_weights(backbone: Backbone, data: bytes) -> Backbone:
    """Put the weights of a safetensors file into the network, passing over all heads, which it lacks."""
    try:
        given = safetensors.torch.load(data)
    except SafetensorError as error:
        raise WeightsDoNotFit(f"not a safetensors file: {error}") from error
    passed_over = (heads.PREFIX, loss_heads.PREFIX, *(f"{name}." for name in backbone.classifier))
    given = {name: tensor for name, tensor in given.items() if not name.startswith(passed_over)}
    _check_fit(backbone.architecture, _state(backbone), given)
    backbone.network.load_state_dict(given, strict=False)
    return backbone


def backbone_digest(backbone: Backbone) -> str:
    """Digest what decides a feature: the architecture, and every tensor with its name, type and shape."""
    sha256 = hashlib.sha256(f"{backbone.architecture}\n".encode())
    for name, tensor in sorted(_state(backbone).items()):
        if name.endswith(_COUNTERS):
            continue
        sha256.update(f"{name}\n{tensor.dtype}\n{tuple(tensor.shape)}\n".encode())
        # Raw bytes, because NumPy knows no bfloat16.
        sha256.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return sha256.hexdigest()


def _state(backbone: Backbone) -> Mapping[str, torch.Tensor]:
    return backbone.network.state_dict()


def _check_fit(
    architecture: str, wanted: Mapping[str, torch.Tensor], given: Mapping[str, torch.Tensor]
) -> None:
    shapes = [
        f"{name} is {tuple(given[name].shape)} instead of {tuple(wanted[name].shape)}"
        for name in sorted(wanted.keys() & given.keys())
        if given[name].shape != wanted[name].shape
    ]
    broken = [
        f"{name} has values that are not finite"
        for name, tensor in sorted(given.items())
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all())
    ]
    missing = sorted(name for name in wanted.keys() - given.keys() if not name.endswith(_COUNTERS))
    complaints = [
        *_complaint("it lacks", missing),
        *_complaint("it has what the network has not:", sorted(given.keys() - wanted.keys())),
        *_complaint("shapes differ:", shapes),
        *_complaint("", broken),
    ]
    if complaints:
        raise WeightsDoNotFit(f"the weights are not those of {architecture}: {'; '.join(complaints)}")


def _complaint(what: str, names: Collection[str]) -> list[str]:
    if not names:
        return []
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return [f"{what} {', '.join(list(names)[:_SHOWN])}{more}".strip()]
