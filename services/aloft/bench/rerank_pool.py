"""A pool of any size in a bucket, as embedding leaves it there: what re-ranking is measured on."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from aloft.bench.progress import Progress
from aloft.bench.rerank_source import Source
from aloft.kit.objects.port import Objects
from aloft.kit.objects.s3 import S3Objects
from aloft.kit.objects.s3_config import S3Config
from aloft.kit.objects.s3_connection import client, connections
from aloft.shards import (
    Manifest,
    Rows,
    Shard,
    feature_shard_key,
    logit_shard_key,
    write_logits,
    write_manifest,
    write_shard,
)
from aloft.shards.arrow import FEATURES, Columns
from aloft.strategies.pool import Ids, hexadecimal

Norms = NDArray[np.float32]

BUCKET, CAMPAIGN, BACKBONE, VERSION = "aloft-bench", "bench", "bench", 1
DISTINCT = 1_000_000
"""Images with features of their own; where there are more, several share an object of features."""
_WRITERS = 2


@dataclass(frozen=True, slots=True)
class Size:
    """What is measured on."""

    images: int = 1_000_000
    feature_size: int = 2048
    labels: int = 19
    batch: int = 1000
    shard_images: int = 4096

    def __post_init__(self) -> None:
        for name in ("images", "feature_size", "labels", "batch", "shard_images"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; give at least 1")
        if self.batch > self.images:
            raise ValueError(f"batch is {self.batch}, more than the {self.images} images; give fewer")

    @property
    def feature_bytes(self) -> int:
        """What the features of all images take in half precision."""
        return 2 * self.feature_size * self.images

    @property
    def stored_bytes(self) -> int:
        """What the pool takes in the store."""
        distinct = 2 * self.feature_size * min(self.images, DISTINCT)
        return distinct + self.images * (16 + 4 + 4 * self.labels)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a pool lies: all that a process needs to read it."""

    store: S3Config
    manifest: tuple[str, str]
    """Key and digest."""
    distinct: int
    """Feature shards that are there; those behind them share their features in turn."""


@contextmanager
def bucket(store: S3Config) -> Iterator[None]:
    """Make the bucket, and remove it and all that was put there."""
    http = connections(store)
    client(store, store.endpoint, http).make_bucket(BUCKET)
    try:
        yield
        objects = S3Objects(store, BUCKET)
        objects.delete([found.key for found in objects.list()])
        objects.close()
    finally:
        client(store, store.endpoint, http).remove_bucket(BUCKET)
        http.clear()


def lay(objects: Objects, size: Size, source: Source, progress: Progress) -> Manifest:
    """Write a pool. Past `DISTINCT` images only ids, norms and logits are new."""
    starts = range(0, min(size.images, DISTINCT), size.shard_images)
    with ThreadPoolExecutor(_WRITERS, thread_name_prefix="lay") as threads:
        written: list[tuple[Shard, Norms]] = []
        for one in threads.map(lambda start: _features(objects, size, source, start), starts):
            written.append(one)
            progress(len(written), len(starts), "writing the pool")
        rows: list[int] = []
        while sum(rows) < size.images:
            rows.append(written[len(rows) % len(written)][0].rows)
        more = range(len(written), len(rows))
        written += threads.map(lambda part: _head(objects, part, *written[part % len(starts)]), more)
        shards = threads.map(lambda part: _logits(objects, size, part, *written[part]), range(len(rows)))
        labels = tuple(f"label-{number}" for number in range(size.labels))
        return Manifest(CAMPAIGN, VERSION, BACKBONE, source.feature_size, tuple(shards), labels)


def place(store: S3Config, objects: Objects, manifest: Manifest, images: int) -> Place:
    """Write the manifest of the shards that hold the first so many images."""
    before = np.cumsum([0, *(shard.rows for shard in manifest.shards[:-1])])
    kept = manifest.shards[: int(np.count_nonzero(before < images))]
    distinct = -(-DISTINCT // manifest.shards[0].rows)
    return Place(store, write_manifest(objects, replace(manifest, shards=kept)), min(distinct, len(kept)))


def _features(objects: Objects, size: Size, source: Source, start: int) -> tuple[Shard, Norms]:
    part, count = start // size.shard_images, min(size.shard_images, size.images - start, DISTINCT - start)
    features = source.part(part, start, count)
    key = feature_shard_key(CAMPAIGN, BACKBONE, part, "bench")
    shard = write_shard(objects, key, hexadecimal(ids_of_part(part, count)), features)
    return shard, np.sqrt(np.einsum("nd,nd->n", features, features, dtype=np.float32))


def _head(objects: Objects, part: int, shard: Shard, norms: Norms) -> tuple[Shard, Norms]:
    """Write what lies before the features of a shard that shares them."""
    nothing = np.zeros((shard.rows, 1), dtype=np.float16)
    data, at = FEATURES.encode(Columns(ids_of_part(part, shard.rows), norms, nothing))
    key = feature_shard_key(CAMPAIGN, BACKBONE, part, "bench")
    # The head of a shard is as long however wide its features are, but for a shift.
    objects.put(key, bytes(shard.features_at - at) + data[:at])
    return replace(shard, key=key), norms


def _logits(objects: Objects, size: Size, part: int, shard: Shard, norms: Norms) -> Shard:
    """Write the logits of a shard: most labels are absent, and few are near a half."""
    draws = np.random.default_rng([2, part])
    logits = 2 * draws.standard_normal((shard.rows, size.labels), dtype=np.float32) - 3
    nowhere = np.empty((shard.rows, 0), dtype=np.float16)
    rows = Rows(ids_of_part(part, shard.rows), norms, nowhere)
    key = logit_shard_key(CAMPAIGN, VERSION, part, "bench")
    return replace(shard, logits=write_logits(objects, key, rows, logits))


def ids_of_part(part: int, count: int) -> Ids:
    """Draw ids."""
    return np.frombuffer(np.random.default_rng([1, part]).bytes(16 * count), dtype="S16")
