"""Writes features as one Arrow IPC file."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from aloft.kit.objects.digests import sha256_hex
from aloft.kit.objects.port import Objects
from aloft.shards.manifest import Shard

CONTENT_TYPE = "application/vnd.apache.arrow.file"


def write_shard(objects: Objects, key: str, images: Sequence[str], features: NDArray[np.float32]) -> Shard:
    """Store one shard: row for row an image's id, its features' norm, and the features in half precision."""
    if len(images) != len(features):
        raise ValueError(f"{len(images)} images and {len(features)} rows of features")
    data = _encode(images, features)
    objects.put(key, data, content_type=CONTENT_TYPE)
    return Shard(key, sha256_hex(data), len(images))


def _encode(images: Sequence[str], features: NDArray[np.float32]) -> bytes:
    size = features.shape[1]
    with np.errstate(over="ignore"):  # what half precision cannot hold is infinite, which readers see
        halves = features.astype(np.float16)
    # Norms are taken before the rounding: strategies that score from norms alone must not see it.
    norms = np.sqrt(np.einsum("nd,nd->n", features, features, dtype=np.float32))
    ids = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(16), len(images), [None, pa.py_buffer(bytes.fromhex("".join(images)))]
    )
    batch = pa.record_batch(
        {
            "image": ids,
            "norm": pa.array(norms, pa.float32()),
            "features": pa.FixedSizeListArray.from_arrays(pa.array(halves.reshape(-1), pa.float16()), size),
        }
    )
    sink = pa.BufferOutputStream()
    # One batch, not compressed: a row lies at a known place and can be read by itself.
    with pa.ipc.new_file(sink, batch.schema) as writer:
        writer.write_batch(batch)
    data: bytes = sink.getvalue().to_pybytes()
    return data
