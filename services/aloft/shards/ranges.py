"""Reads single rows of features: of the few thousand candidates that a strategy looks at more closely."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aloft.kit.objects.errors import RangeOutside
from aloft.kit.objects.port import ByteRange, Objects
from aloft.shards.errors import ShardDamaged
from aloft.shards.manifest import Manifest, Shard

READERS = 8
"""Shards that are read at the same time: each answer is waited for, and candidates lie in all of them."""


def read_rows(objects: Objects, manifest: Manifest, wanted: ArrayLike) -> NDArray[np.float16]:
    """Read the features of `wanted`, pairs of shard and row as `places` has them, in the order asked.

    Ranges that lie near each other travel together. A digest covers a whole shard, so none is checked here:
    `stream` does.
    """
    places = np.asarray(wanted, dtype=np.int64).reshape(-1, 2)
    features = np.empty((len(places), manifest.feature_size), dtype=np.float16)

    def read(index: np.int64) -> None:
        here = np.flatnonzero(places[:, 0] == index)
        features[here] = _rows(objects, manifest.shards[index], manifest.feature_size, places[here, 1])

    with ThreadPoolExecutor(READERS, thread_name_prefix="rows") as threads:
        list(threads.map(read, np.unique(places[:, 0])))
    return features


def _rows(
    objects: Objects, shard: Shard, feature_size: int, numbers: NDArray[np.int64]
) -> NDArray[np.float16]:
    if numbers.min() < 0 or numbers.max() >= shard.rows:
        raise IndexError(f"shard {shard.key!r} has {shard.rows} rows, none with the number {numbers.max()}")
    length = feature_size * np.dtype(np.float16).itemsize
    ranges = [ByteRange(shard.features_at + length * int(number), length) for number in numbers]
    try:
        pieces = objects.ranges(shard.key, ranges)
    except RangeOutside as error:
        raise ShardDamaged(shard.key, f"it is shorter than the manifest says: {error}") from error
    return np.frombuffer(b"".join(pieces), dtype=np.float16).reshape(len(numbers), feature_size)
