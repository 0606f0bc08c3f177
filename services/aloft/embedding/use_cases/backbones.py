"""Fetches the weights of a version once, verifies them, and keeps the network for the next job."""

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from aloft.embedding.domain import Model
from aloft.kit.errors import FailedPrecondition
from aloft.kit.objects.digests import sha256_hex
from aloft.kit.objects.port import Objects

if TYPE_CHECKING:
    from aloft.networks import FeatureExtractor

KEPT = 2
"""Networks in memory: campaigns take turns, and each network may hold an accelerator's memory."""


class Backbones:
    """The networks of this process. Importing torch waits until one is asked for."""

    def __init__(self, objects: Objects, device: str = "auto", threads: int = 0) -> None:
        self._objects = objects
        self._device = device
        self._threads = threads
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, int], FeatureExtractor] = OrderedDict()

    def get(self, model: Model, bands: int) -> "FeatureExtractor":
        """Make a version's network ready; `FailedPrecondition` if its artefact is not what was published."""
        key = model.backbone, bands
        with self._lock:
            if key not in self._kept:
                self._kept[key] = self._load(model, bands)
            self._kept.move_to_end(key)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return self._kept[key]

    def _load(self, model: Model, bands: int) -> "FeatureExtractor":
        from aloft.networks import (
            FeatureExtractor,
            UnknownArchitecture,
            WeightsDoNotFit,
            backbone_digest,
            build,
            choose_device,
            deterministic,
            load_weights,
        )

        deterministic(self._threads)
        data = self._objects.get(model.artefact_key)
        if (found := sha256_hex(data)) != model.artefact_digest:
            raise _unusable(model, f"its SHA-256 is {found}, published was {model.artefact_digest}")
        try:
            backbone = load_weights(build(model.architecture, bands), data)
        except (UnknownArchitecture, WeightsDoNotFit) as error:
            raise _unusable(model, str(error)) from error
        if (found := backbone_digest(backbone)) != model.backbone:
            raise _unusable(model, f"its backbone has the digest {found}, published was {model.backbone}")
        return FeatureExtractor(backbone, choose_device(self._device))


def _unusable(model: Model, why: str) -> FailedPrecondition:
    message = f"the artefact of version {model.version} cannot be used: {why}"
    return FailedPrecondition("ARTEFACT_UNUSABLE", message, version=str(model.version))
