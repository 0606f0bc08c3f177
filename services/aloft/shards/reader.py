"""Reads a manifest's shards as a stream, one in memory at a time."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from aloft.kit.objects.digests import sha256_hex
from aloft.kit.objects.port import Objects
from aloft.shards.errors import ShardDamaged
from aloft.shards.manifest import Manifest, Shard


@dataclass(frozen=True, slots=True)
class Rows:
    """What counts of one shard, row for row. Values that are not finite stay: the reader decides nothing."""

    images: NDArray[np.bytes_]
    """Ids, sixteen bytes each (`S16`)."""
    norms: NDArray[np.float32]
    features: NDArray[np.float16]

    def __len__(self) -> int:
        return len(self.images)


def stream(objects: Objects, manifest: Manifest) -> Iterator[Rows]:
    """Read all that counts, in the manifest's order. One that is not what it says raises `ShardDamaged`."""
    for shard in manifest.shards:
        if shard.images:
            yield read_shard(objects, shard, manifest.feature_size)


def read_shard(objects: Objects, shard: Shard, feature_size: int) -> Rows:
    """Read one shard, verify its digest and its shape, and leave out what is excluded."""
    data = objects.get(shard.key)
    if (found := sha256_hex(data)) != shard.digest:
        raise ShardDamaged(shard.key, f"its SHA-256 is {found}, the manifest says {shard.digest}")
    rows = _decode(data, shard.key, feature_size)
    if len(rows) != shard.rows:
        raise ShardDamaged(shard.key, f"it has {len(rows)} rows, the manifest says {shard.rows}")
    if not shard.excluded:
        return rows
    kept = np.ones(len(rows), dtype=bool)
    kept[list(shard.excluded)] = False
    return Rows(rows.images[kept], rows.norms[kept], rows.features[kept])


def _decode(data: bytes, key: str, feature_size: int) -> Rows:
    wanted = pa.schema(
        [("image", pa.binary(16)), ("norm", pa.float32()), ("features", pa.list_(pa.float16(), feature_size))]
    )
    try:
        with pa.ipc.open_file(pa.py_buffer(data)) as opened:
            table = opened.read_all().combine_chunks()
    except pa.ArrowInvalid as error:
        raise ShardDamaged(key, f"it is no Arrow file: {error}") from error
    if [(field.name, field.type) for field in table.schema] != [(f.name, f.type) for f in wanted]:
        raise ShardDamaged(key, f"it has the columns {table.schema}, not {wanted}")
    image, norm, features = (table.column(name).chunk(0) for name in ("image", "norm", "features"))
    return Rows(
        np.frombuffer(image.buffers()[1], dtype="S16", count=len(image)),
        norm.to_numpy(),
        features.values.to_numpy().reshape(len(image), feature_size),
    )
