"""Reads the features of single images, and holds each row against the length that it was written with."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from aloft.kit.objects.port import Objects
from aloft.shards import Found, Head, Manifest, ShardDamaged, find, read_rows
from aloft.strategies.pool import Features, Ids, hexadecimal

_HALF = 1e-3
"""How much half precision changes a length at most, with room: it rounds each number by 2⁻¹¹ of it."""
_TINY = 1e-5
"""The same where numbers are so small that their rounding is absolute."""
_ROWS = 1024
"""Rows that are measured at once: their squares are in double precision."""


def features_of(
    objects: Objects, manifest: Manifest, images: Ids, known: Mapping[int, Head] | None = None
) -> Features:
    """Read the features of images of a pool, row for row; one that is not in it raises `LookupError`."""
    distinct, row = np.unique(images, return_inverse=True)
    found = find(objects, manifest, distinct, known)
    if len(found.numbers) < len(distinct):
        missing = np.delete(distinct, found.numbers)
        raise LookupError(f"image {hexadecimal(missing)[0]} is not in the pool")
    rows: Features = _read(objects, manifest, found)[row]
    return rows


def features_of_those_there(objects: Objects, manifest: Manifest, images: Ids) -> Features:
    """Read the features of those images, given in order, that the pool still has.

    Passed over too are those that are no finite numbers: nothing is near to them.
    """
    features = _read(objects, manifest, find(objects, manifest, images))
    return features[np.isfinite(features).all(axis=1)]


def _read(objects: Objects, manifest: Manifest, found: Found) -> Features:
    # A digest covers a whole shard. A row that is read by itself is held against its norm.
    features = read_rows(objects, manifest, found.places)
    for start in range(0, len(features), _ROWS):
        part = slice(start, start + _ROWS)
        _check(manifest, features[part], found.places[part], found.norms[part].astype(np.float64))
    return features


def _check(
    manifest: Manifest, features: Features, places: NDArray[np.int64], norms: NDArray[np.float64]
) -> None:
    lengths = np.sqrt(np.square(features.astype(np.float64)).sum(axis=1))
    # What is not finite is the strategy's to leave out: the network said it, or half precision did.
    off = np.isfinite(lengths) & np.isfinite(norms) & (np.abs(lengths - norms) > _HALF * norms + _TINY)
    if off.any():
        shard, number = places[off][0]
        why = f"row {number} is {lengths[off][0]:.6g} long, and was {norms[off][0]:.6g} when it was written"
        raise ShardDamaged(manifest.shards[shard].key, why)
