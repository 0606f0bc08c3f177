"""A ranking as it lies in the object store: Arrow IPC, `image` and `score`, best first, named by digest."""

import contextlib

import numpy as np
import pyarrow as pa

from aloft.kit.objects.digests import sha256_hex
from aloft.kit.objects.port import ObjectExists, Objects
from aloft.shards import ShardDamaged
from aloft.strategies.strategy import Ranked

_CONTENT_TYPE = "application/vnd.apache.arrow.file"
_SCHEMA = pa.schema([("image", pa.binary(16)), ("score", pa.float64())])


def ranking_key(campaign: str, version: int, digest: str) -> str:
    """Name the object of a ranking."""
    return f"campaigns/{campaign}/rankings/{version}/{digest}.arrow"


def write(objects: Objects, campaign: str, version: int, ranked: Ranked) -> tuple[str, str]:
    """Store a ranking and say its key and digest. One that is there already has the same bytes."""
    data = _encode(ranked)
    digest = sha256_hex(data)
    key = ranking_key(campaign, version, digest)
    with contextlib.suppress(ObjectExists):
        objects.put(key, data, content_type=_CONTENT_TYPE, only_new=True)
    return key, digest


def read(objects: Objects, key: str, digest: str) -> Ranked:
    """Read a ranking, or raise `ShardDamaged` if it is not what its digest says."""
    data = objects.get(key)
    if (found := sha256_hex(data)) != digest:
        raise ShardDamaged(key, f"its SHA-256 is {found}, it should be {digest}")
    with pa.ipc.open_file(pa.py_buffer(data)) as opened:
        table = opened.read_all().combine_chunks()
    if not len(table):
        return Ranked(np.empty(0, dtype="S16"), np.empty(0))
    image, score = (table.column(name).chunk(0) for name in ("image", "score"))
    return Ranked(np.frombuffer(image.buffers()[1], dtype="S16", count=len(image)), score.to_numpy())


def _encode(ranked: Ranked) -> bytes:
    ids = np.ascontiguousarray(ranked.images)
    images = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(16), len(ranked), [None, pa.py_buffer(ids.tobytes())]
    )
    batch = pa.record_batch([images, pa.array(ranked.scores, pa.float64())], schema=_SCHEMA)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, _SCHEMA) as writer:
        writer.write_batch(batch)
    data: bytes = sink.getvalue().to_pybytes()
    return data
