"""Backbones by name, their weights as bytes, and their features of images: shared by embedding and trainer.

Owns the architectures (timm's, and a tiny one of our own), seeded initial weights, the backbone's digest, the
forward pass on any device, and the heads on top of it. Heads need NumPy alone; the first other name that is
asked for imports torch, so services do so where a job runs.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from aloft.networks.errors import NoSuchDevice, WeightsDoNotFit
from aloft.networks.head import Head, load_head
from aloft.networks.loss_head import LossHead, load_loss_head

if TYPE_CHECKING:
    from aloft.networks.backbone import (
        Backbone,
        ImagesDoNotFit,
        StagesUnknown,
        UnknownArchitecture,
        build,
        seeded,
        try_out,
    )
    from aloft.networks.extractor import FeatureExtractor, Pending
    from aloft.networks.machine import choose_device, deterministic, precision, training_precision
    from aloft.networks.weights import backbone_digest, load_weights, save_weights

__all__ = [
    "Backbone",
    "FeatureExtractor",
    "Head",
    "ImagesDoNotFit",
    "LossHead",
    "NoSuchDevice",
    "Pending",
    "StagesUnknown",
    "UnknownArchitecture",
    "WeightsDoNotFit",
    "backbone_digest",
    "build",
    "choose_device",
    "deterministic",
    "load_head",
    "load_loss_head",
    "load_weights",
    "precision",
    "save_weights",
    "seeded",
    "training_precision",
    "try_out",
]

_WITH_TORCH = {
    "backbone": (
        "Backbone",
        "ImagesDoNotFit",
        "StagesUnknown",
        "UnknownArchitecture",
        "build",
        "seeded",
        "try_out",
    ),
    "extractor": ("FeatureExtractor", "Pending"),
    "machine": ("choose_device", "deterministic", "precision", "training_precision"),
    "weights": ("backbone_digest", "load_weights", "save_weights"),
}


def __getattr__(name: str) -> object:
    for module, names in _WITH_TORCH.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
