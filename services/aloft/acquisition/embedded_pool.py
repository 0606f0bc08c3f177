"""The pool of a manifest, less the images that are not wanted, as strategies read it."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from aloft.acquisition import metrics, whereabouts
from aloft.acquisition.progress import Alive
from aloft.acquisition.sources import Sources
from aloft.kit.objects.port import Objects
from aloft.shards import Head, LogitRows, Manifest, Rows, read_manifest, stream, stream_logits
from aloft.strategies.pool import Block, Earlier, Features, Ids, Known, ids, without
from aloft.strategies.strategy import Needs


class EmbeddedPool:
    """Streams the shards of a manifest, a few in memory at a time, and only those that a strategy needs."""

    def __init__(
        self,
        objects: Objects,
        manifest: Manifest,
        needs: Needs,
        sources: Sources,
        alive: Alive,
    ) -> None:
        """Read what a manifest names."""
        self._objects = objects
        self._manifest = manifest
        self._needs = needs
        self._sources = sources
        self._excluded = sources.excluded
        self._alive = alive
        self.heads: dict[int, Head] = {}
        """Where images lie, by the number of their shard: whoever has ranked all knows it of some."""

    def under(self, sources: Sources, alive: Alive) -> "EmbeddedPool":
        """Make the same pool of later sources; it knows where images lie that were read before."""
        later = EmbeddedPool(self._objects, self._manifest, self._needs, sources, alive)
        later.heads = self.heads
        return later

    @property
    def known(self) -> Known:
        """What labels have said so far. A label that the version does not know does not count."""
        labels, positives = self._manifest.labels, self._sources.positives
        return Known(labels, tuple(positives.get(label, 0) for label in labels), self._sources.labelled)

    @property
    def most(self) -> int:
        """How many images it has with those that are not wanted."""
        return self._manifest.images

    def blocks(self) -> Iterator[Block]:
        """Read it, telling after each shard how many images have been read, of how many."""
        done, total = 0, self._manifest.images
        shards = (number for number, shard in enumerate(self._manifest.shards) if shard.images)
        for shard, (features, logits) in zip(shards, self._stream(), strict=True):
            block, kept = _block(features, logits, self._excluded)
            if self._needs.candidates and logits is not None and block.norms is not None:
                every = len(block) == self._manifest.shards[shard].rows
                rows = None if every else logits.numbers[kept]
                self.heads[shard] = Head(block.images, block.norms, rows)
            if len(block):
                yield block
            done += self._manifest.shards[shard].images
            self._alive(done, total)
        metrics.READ.inc(done)

    def features_of(self, images: Ids) -> Features:
        """Read the features of single images by the ranges where they lie."""
        if not (self._needs.candidates or self._needs.features):
            raise TypeError("this strategy reads candidates, and does not say so in its needs")
        metrics.CANDIDATES.inc(len(images))
        return whereabouts.features_of(self._objects, self._manifest, images, self.heads)

    def covered(self) -> Features:
        """Read the features of what is labelled or in flight and still in the pool, in order of id."""
        if not self._needs.covered:
            raise TypeError("this strategy reads what is covered, and does not say so in its needs")
        images = ids(list(self._sources.covered))
        return whereabouts.features_of_those_there(self._objects, self._manifest, images)

    def earlier(self) -> Earlier | None:
        """Give what the promoted version with a head before this one said, by its newest manifest."""
        if not self._needs.earlier:
            raise TypeError("this strategy reads an earlier version, and does not say so in its needs")
        if self._sources.earlier is None:
            return None
        manifest = read_manifest(self._objects, *self._sources.earlier)
        return Earlier(manifest.labels, lambda: self._earlier_blocks(manifest))

    def _earlier_blocks(self, manifest: Manifest) -> Iterator[Block]:
        done, total = 0, manifest.images
        nothing: Ids = np.empty(0, dtype="S16")
        for rows in stream_logits(self._objects, manifest):
            yield _block(None, rows, nothing)[0]
            done += len(rows)
            self._alive(done, total)
        metrics.READ.inc(done)

    def _stream(self) -> Iterator[tuple[Rows | None, LogitRows | None]]:
        # Whoever needs ids alone reads them from the logits too: they are so much smaller than features.
        needs, labels = self._needs, self._manifest.labels
        by_logits = needs.logits or needs.columns or (labels and not needs.features)
        if not by_logits:
            return ((rows, None) for rows in stream(self._objects, self._manifest))
        logits = stream_logits(self._objects, self._manifest)
        if not needs.features:
            return ((None, rows) for rows in logits)
        return zip(stream(self._objects, self._manifest), logits, strict=True)


def _block(
    features: Rows | None, logits: LogitRows | None, excluded: Ids
) -> tuple[Block, slice | NDArray[np.bool_]]:
    """Leave out what is not wanted of a shard, and say what is kept."""
    rows = logits if features is None else features
    assert rows is not None
    wanted = without(rows.images, excluded)
    kept = slice(None) if wanted.all() else wanted
    # Ids and norms are copied: a strategy that keeps them would keep all of the shard that they lie in.
    images, norms = rows.images[kept].copy(), rows.norms[kept].copy()
    block = Block(
        images,
        None if features is None else features.features[kept],
        norms,
        None if logits is None else logits.logits[kept],
        columns={} if logits is None else {name: column[kept] for name, column in logits.columns.items()},
    )
    return block, kept
