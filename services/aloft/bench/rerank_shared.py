"""Ten times the images in the room of one: pools whose later shards have the features of earlier ones."""

from collections.abc import Sequence
from typing import Any

from aloft.kit.objects.port import GAP, ByteRange, Objects
from aloft.shards import Manifest


class SharedFeatures:
    """The bucket, where shards behind the distinct ones have ids and norms alone, and features of another."""

    def __init__(self, objects: Objects, manifest: Manifest, distinct: int) -> None:
        self._objects = objects
        keys = [shard.key for shard in manifest.shards]
        self._shared = {key: keys[part % distinct] for part, key in enumerate(keys) if part >= distinct}
        self._features_at = {shard.key: shard.features_at for shard in manifest.shards}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._objects, name)

    def ranges(self, key: str, ranges: Sequence[ByteRange], *, gap: int = GAP) -> list[bytes]:
        """Read what lies before the features from the shard's own head, and features where they are."""
        if not self.is_head(key, ranges):
            key = self.holder(key)
        return self._objects.ranges(key, ranges, gap=gap)

    def holder(self, key: str) -> str:
        """Name the object that holds the features of a shard."""
        return self._shared.get(key, key)

    def is_head(self, key: str, ranges: Sequence[ByteRange]) -> bool:
        """Whether ranges of a feature shard hold no features."""
        return all(span.end <= self._features_at[key] for span in ranges)
