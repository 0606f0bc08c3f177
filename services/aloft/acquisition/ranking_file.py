"""A ranking as it lies in the object store: Arrow IPC, `image` and `score`, best first, named by digest.

Rankings of strategies that cluster a pool have a third column, `cluster`. A ranking is written and read in
batches of a fixed number of rows: no more of it is in memory than its columns, and a page of it is found
without reading the rest.
"""

import contextlib
import hashlib
import io
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from aloft.kit.objects.port import ObjectExists, Objects
from aloft.shards import ShardDamaged
from aloft.strategies.pool import Ids
from aloft.strategies.strategy import Ranked

ROWS = 65_536
"""Rows of each batch but the last."""
_CONTENT_TYPE = "application/vnd.apache.arrow.file"
_SCHEMA = pa.schema([("image", pa.binary(16)), ("score", pa.float64())])
_CLUSTERED = _SCHEMA.append(pa.field("cluster", pa.int32()))
_MAGIC = 8
"""Bytes before the stream that an Arrow file is around."""


def ranking_key(campaign: str, version: int, digest: str) -> str:
    """Name the object of a ranking."""
    return f"campaigns/{campaign}/rankings/{version}/{digest}.arrow"


def write(objects: Objects, campaign: str, version: int, ranked: Ranked) -> tuple[str, str]:
    """Store a ranking and say its key and digest. One that is there already has the same bytes."""
    hashed = hashlib.sha256()
    for piece in _pieces(ranked):
        hashed.update(piece)
    digest = hashed.hexdigest()
    key = ranking_key(campaign, version, digest)
    with contextlib.suppress(ObjectExists):
        objects.put(key, _pieces(ranked), content_type=_CONTENT_TYPE, only_new=True)
    return key, digest


def read(objects: Objects, key: str, digest: str, count: int, left_out: int = 0) -> Ranked:
    """Read a ranking of so many images, or raise `ShardDamaged` if it is not what its digest says."""
    images, scores = np.empty(count, dtype="S16"), np.empty(count)
    clusters: NDArray[np.int32] | None = None
    at = 0
    with objects.stream(key) as pieces:
        source = _Hashing(pieces)
        try:
            source.read(_MAGIC)
            with pa.ipc.open_stream(source) as opened:
                if opened.schema == _CLUSTERED:
                    clusters = np.empty(count, dtype=np.int32)
                for batch in opened:
                    part = slice(at, at + batch.num_rows)
                    images[part], scores[part] = columns(batch)
                    if clusters is not None:
                        clusters[part] = batch.column(2).to_numpy()
                    at += batch.num_rows
        except (pa.ArrowException, ValueError) as error:
            raise ShardDamaged(key, f"it is no ranking of {count} images: {error}") from error
        found = source.rest()
    if found != digest or at != count:
        raise ShardDamaged(key, f"its SHA-256 is {found}, with {at} images; it should be {digest}, {count}")
    return Ranked(images, scores, left_out, clusters)


def columns(batch: pa.RecordBatch) -> tuple[Ids, Any]:
    """Take a batch apart into ids and scores, without copying them."""
    image, score = batch.columns[:2]
    return np.frombuffer(image.buffers()[1], dtype="S16", count=len(image)), score.to_numpy()


def _pieces(ranked: Ranked) -> Iterator[bytes]:
    sink = _Pieces()
    clusters = ranked.clusters
    schema = _SCHEMA if clusters is None else _CLUSTERED
    with pa.ipc.new_file(sink, schema) as writer:
        for start in range(0, len(ranked), ROWS):
            part = slice(start, start + ROWS)
            ids = pa.py_buffer(np.ascontiguousarray(ranked.images[part]))
            scores = pa.array(ranked.scores[part], pa.float64())
            images = pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(scores), [None, ids])
            beside = [] if clusters is None else [pa.array(clusters[part], pa.int32())]
            writer.write_batch(pa.record_batch([images, scores, *beside], schema=schema))
            yield sink.take()
    yield sink.take()


class _Pieces(io.RawIOBase):
    """Takes what Arrow writes, for whoever sends it on."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._pieces.append(bytes(data))
        return len(self._pieces[-1])

    def take(self) -> bytes:
        taken, self._pieces = b"".join(self._pieces), []
        return taken


class _Hashing(io.RawIOBase):
    """Gives Arrow what a stream brings, and hashes all of it."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._left = b""
        self._hashed = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        wanted, done = len(target), 0
        while done < wanted and (self._left or self._next()):
            taken = self._left[: wanted - done]
            target[done : done + len(taken)] = taken
            self._left = self._left[len(taken) :]
            done += len(taken)
        return done

    def rest(self) -> str:
        """Read to the end, and say the SHA-256 of it all."""
        while self._next():
            pass
        return self._hashed.hexdigest()

    def _next(self) -> bool:
        self._left = next(self._pieces, b"")
        self._hashed.update(self._left)
        return bool(self._left)
