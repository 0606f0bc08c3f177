"""Writes what a version is, each object under a name that holds its digest."""

import contextlib
import json
from collections.abc import Mapping
from typing import Any

from aloft.kit.objects.digests import sha256_hex
from aloft.kit.objects.port import ObjectExists, Objects
from aloft.serving.archive import archive_name
from aloft.trainer.domain.runs import Run
from aloft.trainer.domain.snapshot import Snapshot

Stored = tuple[str, str]
"""The key of an object, and its digest."""


def folder(campaign: str, version: int) -> str:
    """Say under what the objects of a version lie."""
    return f"campaigns/{campaign}/models/{version}/"


def put_weights(objects: Objects, run: Run, weights: bytes) -> Stored:
    """Store weights."""
    digest = sha256_hex(weights)
    key = f"{folder(run.campaign, run.version)}weights-{digest}.safetensors"
    return _put(objects, key, weights, "application/octet-stream"), digest


def put_archive(objects: Objects, run: Run, archive: bytes) -> Stored:
    """Store what serving is given."""
    digest = sha256_hex(archive)
    name = archive_name(run.campaign, run.version, digest)
    key = f"{folder(run.campaign, run.version)}{name}.mar"
    return _put(objects, key, archive, "application/octet-stream"), digest


def put_snapshot(objects: Objects, run: Run, snapshot: Snapshot) -> Stored:
    """Store the list of images that a run learns from."""
    data = snapshot.to_bytes()
    digest = sha256_hex(data)
    key = f"{folder(run.campaign, run.version)}snapshot-{digest}.jsonl"
    return _put(objects, key, data, "application/jsonl"), digest


def put_card(objects: Objects, run: Run, card: Mapping[str, Any]) -> str:
    """Store a model card and say its key."""
    data = json.dumps(card, sort_keys=True, indent=1, allow_nan=False).encode()
    key = f"{folder(run.campaign, run.version)}card-{sha256_hex(data)}.json"
    return _put(objects, key, data, "application/json")


def _put(objects: Objects, key: str, data: bytes, content_type: str) -> str:
    # One that is there is what an earlier attempt stored: the name says that the bytes are the same.
    with contextlib.suppress(ObjectExists):
        objects.put(key, data, content_type=content_type, only_new=True)
    return key
