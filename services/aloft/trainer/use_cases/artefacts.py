"""Writes a version's weights and card, each under a name that holds its digest."""

import contextlib
import json
from dataclasses import asdict
from typing import Any

from aloft import __version__
from aloft.imagery import ImageSpec
from aloft.kit.objects.digests import sha256_hex
from aloft.kit.objects.port import ObjectExists, Objects
from aloft.trainer.domain import Base, Model

CARD = "aloft.card/1"


def put_weights(objects: Objects, campaign: str, version: int, weights: bytes) -> tuple[str, str]:
    """Store weights and say their key and digest."""
    digest = sha256_hex(weights)
    key = f"campaigns/{campaign}/models/{version}/weights-{digest}.safetensors"
    _put(objects, key, weights, "application/octet-stream")
    return key, digest


def put_card(objects: Objects, card: dict[str, Any]) -> str:
    """Store a model card and say its key."""
    data = json.dumps(card, sort_keys=True, indent=1).encode()
    key = f"campaigns/{card['campaign']}/models/{card['version']}/card-{sha256_hex(data)}.json"
    _put(objects, key, data, "application/json")
    return key


def base_card(model: Model, base: Base, spec: ImageSpec, checkpoint_digest: str) -> dict[str, Any]:
    """Describe a base version. What only training gives it is null."""
    made = {"checkpoint_key": base.checkpoint_key, "checkpoint_digest": checkpoint_digest}
    return {
        "format": CARD,
        "campaign": model.campaign,
        "version": model.version,
        "base": model.base,
        "architecture": model.architecture,
        "image_spec": asdict(spec),
        "feature_size": model.feature_size,
        "artefact_key": model.artefact_key,
        "artefact_digest": model.artefact_digest,
        "backbone_digest": model.backbone,
        "source": made if base.checkpoint_key else {"seed": base.seed},
        "seed": None if base.checkpoint_key else base.seed,
        "code_version": __version__,
        "label_revision": model.label_revision,
        "metrics": dict(model.metrics),
        "hyperparameters": {},
        "parent": None,
        "data_snapshot_digest": None,
        "strategy": None,
        "temperature": None,
        "thresholds": None,
    }


def _put(objects: Objects, key: str, data: bytes, content_type: str) -> None:
    # One that is there is what an earlier attempt stored: the name says that the bytes are the same.
    with contextlib.suppress(ObjectExists):
        objects.put(key, data, content_type=content_type, only_new=True)
