"""Fetches the artefact of a version once, verifies it, keeps the network and the head for the next job."""

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, TypeVar

from aloft.embedding.domain import Model
from aloft.kit.objects.digests import sha256_hex
from aloft.kit.objects.errors import ObjectMissing
from aloft.kit.objects.port import Objects
from aloft.networks import Head, WeightsDoNotFit, load_head

if TYPE_CHECKING:
    from aloft.networks import FeatureExtractor

KEPT = 2
"""Networks in memory: campaigns take turns, and each network may hold an accelerator's memory."""

HEADS_KEPT = 16

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class ArtefactUnusable(Exception):
    """A version's artefact is not what was published: nothing can be computed with it."""

    def __init__(self, model: Model, why: str) -> None:
        super().__init__(f"the artefact of version {model.version} cannot be used: {why}")


class Artefacts:
    """The networks and heads of this process. Importing torch waits until a network is asked for."""

    def __init__(self, objects: Objects, device: str = "auto", threads: int = 0) -> None:
        self._objects = objects
        self._device = device
        self._threads = threads
        self._lock = threading.Lock()
        self._networks: OrderedDict[tuple[str, int], FeatureExtractor] = OrderedDict()
        self._heads: OrderedDict[str, Head] = OrderedDict()

    def network(self, model: Model, bands: int) -> "FeatureExtractor":
        """Make a version's network ready, and its head with it; `ArtefactUnusable` if that cannot be."""
        key = model.backbone, bands
        with self._lock:
            if key not in self._networks:
                data = self._fetch(model)
                if model.labels:
                    self._keep_head(model, data)
                _keep(self._networks, key, self._network(model, bands, data), KEPT)
            self._networks.move_to_end(key)
            return self._networks[key]

    def head(self, model: Model) -> Head:
        """Make a version's head ready; `ArtefactUnusable` if that cannot be."""
        with self._lock:
            if model.artefact_digest not in self._heads:
                self._keep_head(model, self._fetch(model))
            self._heads.move_to_end(model.artefact_digest)
            return self._heads[model.artefact_digest]

    def _fetch(self, model: Model) -> bytes:
        try:
            data = self._objects.get(model.artefact_key)
        except ObjectMissing as error:
            raise ArtefactUnusable(model, str(error)) from error
        if (found := sha256_hex(data)) != model.artefact_digest:
            raise ArtefactUnusable(model, f"its SHA-256 is {found}, published was {model.artefact_digest}")
        return data

    def _network(self, model: Model, bands: int, data: bytes) -> "FeatureExtractor":
        from aloft.networks import (
            FeatureExtractor,
            UnknownArchitecture,
            backbone_digest,
            build,
            choose_device,
            deterministic,
            load_weights,
        )

        deterministic(self._threads)
        try:
            backbone = load_weights(build(model.architecture, bands), data)
        except (UnknownArchitecture, WeightsDoNotFit) as error:
            raise ArtefactUnusable(model, str(error)) from error
        if (found := backbone_digest(backbone)) != model.backbone:
            why = f"its backbone has the digest {found}, published was {model.backbone}"
            raise ArtefactUnusable(model, why)
        return FeatureExtractor(backbone, choose_device(self._device))

    def _keep_head(self, model: Model, data: bytes) -> None:
        try:
            head = load_head(data)
        except WeightsDoNotFit as error:
            raise ArtefactUnusable(model, str(error)) from error
        wanted = len(model.labels), model.feature_size
        if head is None or head.weight.shape != wanted:
            found = "none" if head is None else f"one of shape {head.weight.shape}"
            raise ArtefactUnusable(model, f"its head should have the shape {wanted}, it has {found}")
        _keep(self._heads, model.artefact_digest, head, HEADS_KEPT)


def _keep(kept: OrderedDict[_Key, _Value], key: _Key, value: _Value, most: int) -> None:
    kept[key] = value
    while len(kept) > most:
        kept.popitem(last=False)
