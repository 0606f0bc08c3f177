"""Fetches the artefact of a version once, verifies it, keeps the network and the head for the next job."""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from aloft.embedding.domain import Model
from aloft.kit.objects.digests import sha256_hex
from aloft.kit.objects.errors import ObjectMissing
from aloft.kit.objects.port import Objects
from aloft.networks import Head, LossHead, WeightsDoNotFit, load_head, load_loss_head

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


@dataclass(frozen=True, slots=True)
class Heads:
    """What a version makes of features, or of stages of its network."""

    head: Head
    losses: LossHead | None = None


class Artefacts:
    """The networks and heads of this process. Importing torch waits until a network is asked for."""

    def __init__(self, objects: Objects, device: str = "auto", threads: int = 0) -> None:
        self._objects = objects
        self._device = device
        self._threads = threads
        self._lock = threading.Lock()
        self._networks: OrderedDict[tuple[str, int, bool], FeatureExtractor] = OrderedDict()
        self._heads: OrderedDict[str, Heads] = OrderedDict()

    def network(self, model: Model, bands: int, *, staged: bool = False) -> "FeatureExtractor":
        """Make a version's network ready, and its heads with it; `ArtefactUnusable` if that cannot be."""
        key = model.backbone, bands, staged
        with self._lock:
            if key not in self._networks:
                data = self._fetch(model)
                if model.labels:
                    self._keep_heads(model, data)
                _keep(self._networks, key, self._network(model, bands, data, staged), KEPT)
            self._networks.move_to_end(key)
            return self._networks[key]

    def heads(self, model: Model) -> Heads:
        """Make a version's heads ready; `ArtefactUnusable` if that cannot be."""
        with self._lock:
            if model.artefact_digest not in self._heads:
                self._keep_heads(model, self._fetch(model))
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

    def _network(self, model: Model, bands: int, data: bytes, staged: bool) -> "FeatureExtractor":
        from aloft.networks import (
            FeatureExtractor,
            StagesUnknown,
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
        try:
            return FeatureExtractor(backbone, choose_device(self._device), staged=staged)
        except StagesUnknown as error:
            raise ArtefactUnusable(model, str(error)) from error

    def _keep_heads(self, model: Model, data: bytes) -> None:
        try:
            head, losses = load_head(data), load_loss_head(data) if model.loss_head else None
        except WeightsDoNotFit as error:
            raise ArtefactUnusable(model, str(error)) from error
        wanted = len(model.labels), model.feature_size
        if head is None or head.weight.shape != wanted:
            found = "none" if head is None else f"one of shape {head.weight.shape}"
            raise ArtefactUnusable(model, f"its head should have the shape {wanted}, it has {found}")
        if model.loss_head and losses is None:
            raise ArtefactUnusable(model, "it should have a loss head, it has none")
        _keep(self._heads, model.artefact_digest, Heads(head, losses), HEADS_KEPT)


def _keep(kept: OrderedDict[_Key, _Value], key: _Key, value: _Value, most: int) -> None:
    kept[key] = value
    while len(kept) > most:
        kept.popitem(last=False)
