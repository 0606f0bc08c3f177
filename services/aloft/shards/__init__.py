"""Features of a pool as they lie in the object store: Arrow shards, and the manifest that names the current.

Embedding writes them, acquisition reads them. Owns the format, the keys and the checks of digests; no torch.
"""

from aloft.shards.errors import ShardDamaged
from aloft.shards.keys import feature_shard_key, manifest_key
from aloft.shards.manifest import Manifest, Shard, read_manifest, write_manifest
from aloft.shards.reader import Rows, read_shard, stream
from aloft.shards.writer import write_shard

__all__ = [
    "Manifest",
    "Rows",
    "Shard",
    "ShardDamaged",
    "feature_shard_key",
    "manifest_key",
    "read_manifest",
    "read_shard",
    "stream",
    "write_manifest",
    "write_shard",
]
