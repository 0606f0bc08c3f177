"""Backbones by name, their weights as bytes, and their features of images: shared by embedding and trainer.

Owns the architectures (timm's, and a tiny one of our own), seeded initial weights, the backbone's digest, and
the forward pass on any device. Importing it imports torch: services do so where a job runs.
"""

from aloft.networks.backbone import Backbone, UnknownArchitecture, build
from aloft.networks.extractor import FeatureExtractor, Pending
from aloft.networks.machine import choose_device, deterministic
from aloft.networks.weights import WeightsDoNotFit, backbone_digest, load_weights, save_weights

__all__ = [
    "Backbone",
    "FeatureExtractor",
    "Pending",
    "UnknownArchitecture",
    "WeightsDoNotFit",
    "backbone_digest",
    "build",
    "choose_device",
    "deterministic",
    "load_weights",
    "save_weights",
]
