"""The pool of a manifest, less the images that are not wanted, as strategies read it."""

from collections.abc import Callable, Iterator

from aloft.acquisition import metrics
from aloft.kit.objects.port import Objects
from aloft.shards import Manifest, stream
from aloft.strategies.pool import Block, Ids, without


class EmbeddedPool:
    """Streams the shards of a manifest, one in memory at a time."""

    def __init__(
        self, objects: Objects, manifest: Manifest, excluded: Ids, alive: Callable[[int, int], None]
    ) -> None:
        self._objects = objects
        self._manifest = manifest
        self._excluded = excluded
        self._alive = alive

    def blocks(self) -> Iterator[Block]:
        """Read it, telling after each shard how many images have been read, of how many."""
        done = 0
        for rows in stream(self._objects, self._manifest):
            done += len(rows)
            kept = without(rows.images, self._excluded)
            yield Block(rows.images[kept], rows.features[kept])
            self._alive(done, self._manifest.images)
        metrics.READ.inc(done)
