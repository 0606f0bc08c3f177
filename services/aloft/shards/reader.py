"""Reads a manifest's shards as a stream, a few in memory at a time."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aloft.kit.objects.digests import sha256_hex
from aloft.kit.objects.port import Objects
from aloft.shards.ahead import in_order
from aloft.shards.arrow import FEATURES, LOGITS, Columns, Form
from aloft.shards.errors import ShardDamaged
from aloft.shards.manifest import Manifest, Shard

_FEATURES_AHEAD = 2
"""Shards read ahead of the one that is looked at: of features, which are some ten megabytes each."""
_LOGITS_AHEAD = 4
"""The same of logits, which are some hundred kilobytes."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What counts of one feature shard. Values that are not finite stay: the reader decides nothing."""

    images: NDArray[np.bytes_]
    """Ids, sixteen bytes each (`S16`)."""
    norms: NDArray[np.float32]
    features: NDArray[np.float16]

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True, slots=True)
class LogitRows:
    """What counts of one logit shard. Values that are not finite stay: the reader decides nothing."""

    images: NDArray[np.bytes_]
    """Ids, sixteen bytes each (`S16`)."""
    norms: NDArray[np.float32]
    """Of the features, before they were rounded."""
    logits: NDArray[np.float32]
    numbers: NDArray[np.int32]
    """Which row of the shard each is."""
    columns: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    """Those that the manifest names, a number an image."""

    def __len__(self) -> int:
        return len(self.images)


def stream(objects: Objects, manifest: Manifest) -> Iterator[Rows]:
    """Read all features that count, in the manifest's order; what is damaged raises `ShardDamaged`."""
    return in_order(
        (
            partial(read_shard, objects, shard, manifest.feature_size)
            for shard in manifest.shards
            if shard.images
        ),
        _FEATURES_AHEAD,
    )


def stream_logits(objects: Objects, manifest: Manifest) -> Iterator[LogitRows]:
    """Read all logits that count, the same rows in the same order as `stream` gives their features."""
    return in_order(
        (
            partial(read_logits, objects, manifest, index)
            for index, shard in enumerate(manifest.shards)
            if shard.images
        ),
        _LOGITS_AHEAD,
    )


def read_logits(objects: Objects, manifest: Manifest, index: int) -> LogitRows:
    """Read one shard of logits, verify its digest and its shape, and leave out what is excluded."""
    shard = manifest.shards[index]
    beside = shard.logits
    if beside is None:
        raise ValueError(f"version {manifest.version} has no head, and so no logits")
    width, names = len(manifest.labels), manifest.columns
    columns, _ = _read(objects, beside.key, beside.digest, shard.rows, LOGITS, width, names)
    kept = shard.kept
    more = {name: column[kept] for name, column in columns.beside.items()}
    return LogitRows(*_only(columns, kept), kept, more)


def read_shard(objects: Objects, shard: Shard, feature_size: int) -> Rows:
    """Read one feature shard, verify its digest and its shape, and leave out what is excluded."""
    columns, at = _read(objects, shard.key, shard.digest, shard.rows, FEATURES, feature_size)
    if at != shard.features_at:
        why = f"its features begin at byte {at}, the manifest says {shard.features_at}"
        raise ShardDamaged(shard.key, why)
    return Rows(*_only(columns, shard.kept))


def _read(
    objects: Objects, key: str, digest: str, rows: int, form: Form, width: int, beside: Collection[str] = ()
) -> tuple[Columns, int]:
    data = objects.get(key)
    if (found := sha256_hex(data)) != digest:
        raise ShardDamaged(key, f"its SHA-256 is {found}, the manifest says {digest}")
    columns, at = form.decode(data, key, width, beside)
    if len(columns.images) != rows:
        raise ShardDamaged(key, f"it has {len(columns.images)} rows, the manifest says {rows}")
    return columns, at


def _only(
    columns: Columns, kept: NDArray[np.int32]
) -> tuple[NDArray[np.bytes_], NDArray[np.float32], NDArray[Any]]:
    if len(kept) == len(columns.images):
        return columns.images, columns.norms, columns.values
    return columns.images[kept], columns.norms[kept], columns.values[kept]
