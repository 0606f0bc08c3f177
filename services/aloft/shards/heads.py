"""Finds images in a pool by the heads of its feature shards: ids and norms, some twenty bytes an image."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aloft.kit.objects.errors import RangeOutside
from aloft.kit.objects.port import ByteRange, Objects
from aloft.shards.ahead import in_order
from aloft.shards.arrow import IMAGE_BYTES
from aloft.shards.errors import ShardDamaged
from aloft.shards.manifest import Manifest, Shard

_READERS = 8
_NORM_BYTES = 4


@dataclass(frozen=True, slots=True)
class Found:
    """Images of a pool, in the order in which they were asked for, without those that are not there."""

    numbers: NDArray[np.int64]
    """Which of those asked for each is."""
    places: NDArray[np.int64]
    """What `read_rows` takes: the number of the shard, and of the row in it."""
    norms: NDArray[np.float32]
    """The length of each one's features, as it was written."""


@dataclass(frozen=True, slots=True)
class Head:
    """What there is of images in a shard beside their features."""

    images: NDArray[np.bytes_]
    """Ids (`S16`)."""
    norms: NDArray[np.float32]
    rows: NDArray[np.int32] | None = None
    """Which row of the shard each is; all of them, one after the other, where nothing is said."""


def find(
    objects: Objects, manifest: Manifest, images: NDArray[np.bytes_], known: Mapping[int, Head] | None = None
) -> Found:
    """Say where images (`S16`, in order) lie. Nothing is kept of the others, however many there are.

    Heads that are `known`, by the number of their shard, are not read, and only what is in them is found.
    """
    known = known or {}
    # Ids are hashes: comparing halves as numbers finds nearly all, much quicker than comparing strings.
    wanted = _Wanted(images, np.sort(_halves(images)))
    tasks = (
        (lambda index=index, shard=shard: wanted.among(index, known.get(index) or _head(objects, shard)))
        for index, shard in enumerate(manifest.shards)
        if shard.images and len(images)
    )
    parts = [part for part in in_order(tasks, _READERS) if len(part[0])]
    if not parts:
        return Found(np.empty(0, np.int64), np.empty((0, 2), np.int64), np.empty(0, np.float32))
    numbers, places, norms = (np.concatenate(column) for column in zip(*parts, strict=True))
    asked = np.argsort(numbers)
    return Found(numbers[asked], places[asked], norms[asked])


@dataclass(frozen=True, slots=True)
class _Wanted:
    images: NDArray[np.bytes_]
    halves: NDArray[np.uint64]
    """Of the images, sorted."""

    def among(
        self, index: int, head: Head
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
        """Find those that a shard holds: which they are, where, and their norms."""
        halves = _halves(head.images)
        near = self.halves[np.minimum(np.searchsorted(self.halves, halves), len(self.halves) - 1)]
        here = np.flatnonzero(near == halves)
        number = np.minimum(np.searchsorted(self.images, head.images[here]), len(self.images) - 1)
        same = self.images[number] == head.images[here]
        here, number = here[same], number[same]
        rows = here if head.rows is None else head.rows[here].astype(np.int64)
        return number.astype(np.int64), np.column_stack([np.full_like(rows, index), rows]), head.norms[here]


def _halves(images: NDArray[np.bytes_]) -> NDArray[np.uint64]:
    return np.ascontiguousarray(images).view(np.uint64)[::2]


def _head(objects: Objects, shard: Shard) -> Head:
    """Read the columns that lie right before the features. Arrow begins each at a multiple of eight bytes."""
    ids, norms = (-(-shard.rows * each // 8) * 8 for each in (IMAGE_BYTES, _NORM_BYTES))
    begin = shard.features_at - ids - norms
    try:
        (data,) = objects.ranges(shard.key, [ByteRange(begin, ids + norms)])
    except (RangeOutside, ValueError) as error:
        raise ShardDamaged(shard.key, f"it is shorter than the manifest says: {error}") from error
    head = Head(
        np.frombuffer(data, dtype=f"S{IMAGE_BYTES}", count=shard.rows),
        np.frombuffer(data, dtype=np.float32, count=shard.rows, offset=ids),
    )
    if not shard.excluded:
        return head
    kept = shard.kept
    return Head(head.images[kept], head.norms[kept], kept)
