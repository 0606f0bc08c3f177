"""Where in a manifest each image lies, and how long its features are: what reading single rows takes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aloft.kit.objects.port import Objects
from aloft.shards import LogitRows, Manifest, Rows, ShardDamaged, read_rows
from aloft.strategies.pool import Features, Ids, places

_HALF = 1e-3
"""How much half precision changes a length at most, with room: it rounds each number by 2⁻¹¹ of it."""
_TINY = 1e-5
"""The same where numbers are so small that their rounding is absolute."""


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Every image of a manifest in order of id: some thirty bytes each."""

    images: Ids
    places: NDArray[np.int32]
    norms: NDArray[np.float32]

    @classmethod
    def of(cls, parts: Sequence["Whereabouts"]) -> "Whereabouts":
        """Join what a pass over the manifest has seen."""
        if not parts:
            return cls(
                np.empty(0, dtype="S16"), np.empty((0, 2), dtype=np.int32), np.empty(0, dtype=np.float32)
            )
        columns = ((part.images, part.places, part.norms) for part in parts)
        images, found, norms = (np.concatenate(column) for column in zip(*columns, strict=True))
        order = np.argsort(images, kind="stable")
        return cls(images[order], found[order], norms[order])

    @classmethod
    def of_rows(cls, rows: Rows | LogitRows) -> "Whereabouts":
        """Keep of a shard what is needed to find its rows again, and let go of the rest."""
        return cls(rows.images.copy(), rows.places, rows.norms.copy())

    def features(self, objects: Objects, manifest: Manifest, images: Ids) -> Features:
        """Read the features of some images, row for row; what is not as it was written raises `ShardDamaged`.

        A digest covers a whole shard. A row read by itself is held against its norm in the shard of logits.
        """
        row = places(self.images, images)
        wanted, norms = self.places[row], self.norms[row].astype(np.float64)
        features = read_rows(objects, manifest, wanted)
        lengths = np.sqrt(np.square(features.astype(np.float64)).sum(axis=1))
        # What is not finite is the strategy's to leave out: the network said it, or half precision did.
        off = np.isfinite(lengths) & np.isfinite(norms) & (np.abs(lengths - norms) > _HALF * norms + _TINY)
        if off.any():
            shard, number = wanted[off][0]
            why = (
                f"row {number} is {lengths[off][0]:.6g} long, and was {norms[off][0]:.6g} when it was written"
            )
            raise ShardDamaged(manifest.shards[shard].key, why)
        return features
