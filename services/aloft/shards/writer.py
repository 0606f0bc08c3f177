"""Writes shards."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from aloft.kit.objects.digests import sha256_hex
from aloft.kit.objects.port import Objects
from aloft.shards.arrow import CONTENT_TYPE, FEATURES, LOGITS, Columns, ids_of
from aloft.shards.manifest import LogitShard, Shard
from aloft.shards.reader import Rows


def write_shard(objects: Objects, key: str, images: Sequence[str], features: NDArray[np.float32]) -> Shard:
    """Store features in half precision, row for row beside an image's id and its features' norm."""
    if len(images) != len(features):
        raise ValueError(f"{len(images)} images and {len(features)} rows of features")
    # What half precision cannot hold is infinite, which readers see.
    with np.errstate(over="ignore"):
        halves = features.astype(np.float16)
        # Norms are taken before the rounding: strategies that score from norms alone must not see it.
        norms = np.sqrt(np.einsum("nd,nd->n", features, features, dtype=np.float32))
    data, at = FEATURES.encode(Columns(ids_of(images), norms, halves))
    objects.put(key, data, content_type=CONTENT_TYPE)
    return Shard(key, sha256_hex(data), len(images), features_at=at)


_NOTHING: Mapping[str, NDArray[np.float32]] = {}


def write_logits(
    objects: Objects,
    key: str,
    rows: Rows,
    logits: NDArray[np.float32],
    columns: Mapping[str, NDArray[np.float32]] = _NOTHING,
) -> LogitShard:
    """Store raw logits beside the features they are made from: the same rows, with the same norms.

    `columns` are what else takes the network's weights to compute, by name, a number an image.
    """
    for name, values in {"logits": logits, **columns}.items():
        if len(rows) != len(values):
            raise ValueError(f"{len(rows)} rows of features and {len(values)} of {name}")
    data, _ = LOGITS.encode(Columns(rows.images, rows.norms, logits, columns))
    objects.put(key, data, content_type=CONTENT_TYPE)
    return LogitShard(key, sha256_hex(data))
