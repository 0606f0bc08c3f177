"""Finds the shards that a manifest names and the bucket does not have any more."""

from aloft.embedding.store import pools
from aloft.kit.database.database import Transactions
from aloft.kit.objects.errors import ObjectMissing
from aloft.kit.objects.port import Objects
from aloft.shards import Manifest, ShardDamaged, features_folder, logits_folder, read_manifest


def lost(objects: Objects, manifest: Manifest) -> set[str]:
    """Name them, by a listing; what is there and damaged is found by whoever reads it."""
    folders = [features_folder(manifest.campaign, manifest.backbone)]
    if manifest.labels:
        folders.append(logits_folder(manifest.campaign, manifest.version))
    there = {info.key for folder in folders for info in objects.list(folder)}
    beside = {shard.logits.key for shard in manifest.shards if shard.logits is not None}
    return ({shard.key for shard in manifest.shards} | beside) - there


def lost_of_pool(database: Transactions, objects: Objects, campaign: str) -> set[str]:
    """Name those of the manifest in force, which may be lost itself."""
    with database.read() as tx:
        pool = pools.current(tx, campaign)
    if pool is None:
        return set()
    try:
        return lost(objects, read_manifest(objects, pool.key, pool.digest))
    except (ObjectMissing, ShardDamaged):
        return {pool.key}
