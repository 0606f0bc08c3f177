"""The pool of a manifest, less the images that are not wanted, as strategies read it."""

from collections.abc import Callable, Iterator

import numpy as np

from aloft.acquisition import metrics
from aloft.acquisition.whereabouts import Whereabouts
from aloft.kit.objects.port import Objects
from aloft.shards import LogitRows, Manifest, Rows, stream, stream_logits
from aloft.strategies.pool import Block, Earlier, Features, Ids, Known, without
from aloft.strategies.strategy import Needs

Alive = Callable[[int, int], None]
"""Told how many images have been read, of how many."""


class EmbeddedPool:
    """Streams the shards of a manifest, one in memory at a time, and only those that a strategy needs."""

    def __init__(
        self, objects: Objects, manifest: Manifest, needs: Needs, excluded: Ids, alive: Alive
    ) -> None:
        self._objects = objects
        self._manifest = manifest
        self._needs = needs
        self._excluded = excluded
        self._alive = alive
        self._whereabouts: Whereabouts | None = None

    @property
    def known(self) -> Known:
        """What labels have said so far."""
        return Known(self._manifest.labels, (0,) * len(self._manifest.labels))

    def covered(self) -> Features:
        """Read the features of what is labelled or in flight."""
        return np.empty((0, self._manifest.feature_size), dtype=np.float16)

    def earlier(self) -> Earlier | None:
        """Give what the version before said."""
        return None

    def less(self, excluded: Ids) -> "EmbeddedPool":
        """Make a pool of the same manifest without these images, sorted, that knows where the others lie."""
        pool = EmbeddedPool(self._objects, self._manifest, self._needs, excluded, self._alive)
        pool._whereabouts = self._whereabouts
        return pool

    def blocks(self) -> Iterator[Block]:
        """Read it, telling after each shard how many images have been read, of how many."""
        for rows in self._read():
            kept = without(rows.images, self._excluded)
            if isinstance(rows, Rows):
                yield Block(rows.images[kept], rows.features[kept], rows.norms[kept])
            else:
                yield Block(rows.images[kept], None, rows.norms[kept], rows.logits[kept])

    def features_of(self, images: Ids) -> Features:
        """Read the features of single images by the ranges where they lie."""
        if self._whereabouts is None:
            for _ in self._read():
                pass
        if self._whereabouts is None:
            raise TypeError("this strategy reads candidates, and does not say so in its needs")
        metrics.CANDIDATES.inc(len(images))
        return self._whereabouts.features(self._objects, self._manifest, images)

    def _read(self) -> Iterator[Rows | LogitRows]:
        done, seen = 0, []
        for rows in self._stream():
            done += len(rows)
            yield rows
            if self._needs.candidates:
                seen.append(Whereabouts.of_rows(rows))
            self._alive(done, self._manifest.images)
        metrics.READ.inc(done)
        if self._needs.candidates:
            self._whereabouts = Whereabouts.of(seen)

    def _stream(self) -> Iterator[Rows | LogitRows]:
        # Whoever needs ids alone reads them from the logits too: they are so much smaller than features.
        if self._needs.logits or (self._manifest.labels and not self._needs.features):
            return iter(stream_logits(self._objects, self._manifest))
        return iter(stream(self._objects, self._manifest))
