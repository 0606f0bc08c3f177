"""A pool as it lies in the object store: Arrow shards of features and of logits, and the manifest of both.

Embedding writes them, acquisition reads them. Owns the format, the keys and the checks of digests; no torch.
"""

from aloft.shards.errors import ShardDamaged
from aloft.shards.heads import Found, Head, find
from aloft.shards.keys import (
    attempt_of,
    feature_shard_key,
    features_folder,
    logit_shard_key,
    logits_folder,
)
from aloft.shards.manifest import LogitShard, Manifest, Shard, read_manifest, write_manifest
from aloft.shards.ranges import read_rows
from aloft.shards.reader import LogitRows, Rows, read_logits, read_shard, stream, stream_logits
from aloft.shards.writer import write_logits, write_shard

__all__ = [
    "Found",
    "Head",
    "LogitRows",
    "LogitShard",
    "Manifest",
    "Rows",
    "Shard",
    "ShardDamaged",
    "attempt_of",
    "feature_shard_key",
    "features_folder",
    "find",
    "logit_shard_key",
    "logits_folder",
    "read_logits",
    "read_manifest",
    "read_rows",
    "read_shard",
    "stream",
    "stream_logits",
    "write_logits",
    "write_manifest",
    "write_shard",
]
