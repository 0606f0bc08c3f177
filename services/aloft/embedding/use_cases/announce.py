"""Tells of the manifest that covers the pool under a version, and ends the job with it."""

from dataclasses import replace

from aloft.api.events.v1 import events_pb2 as events
from aloft.embedding import metrics
from aloft.embedding.domain import Model, Pool
from aloft.embedding.store import campaigns, pools, shards
from aloft.embedding.use_cases.lost import lost
from aloft.kit.bus import outbox
from aloft.kit.database.database import Transactions
from aloft.kit.errors import Aborted
from aloft.kit.jobs import Lease
from aloft.kit.objects.port import Objects
from aloft.shards import Manifest, write_manifest


def announce(lease: Lease, database: Transactions, objects: Objects, model: Model) -> None:
    """Write the manifest and the event, unless the same one, or that of a newer version, is in force."""
    campaign = lease.job.campaign
    manifest, known = _manifest(lease, database, model)
    if not manifest.images and known is None:
        return  # there is no pool yet to tell of
    _require_all(lease, objects, manifest)
    key, digest = write_manifest(objects, manifest)
    with lease.finish({"version": model.version, "images": manifest.images}) as tx:
        campaigns.spec(tx, campaign, lock=True)
        campaigns.unusable(tx, campaign, model.version, "")
        known = pools.current(tx, campaign)
        if known is not None and (known.digest == digest or known.version > model.version):
            return
        generation = 1 if known is None else known.generation + 1
        pool = Pool(model.version, generation, key, digest, manifest.images, tx.now())
        pools.add(tx, campaign, pool)
        outbox.emit(tx, campaign, _embedded(manifest, pool), subject=f"campaigns/{campaign}/pool")


def _manifest(lease: Lease, database: Transactions, model: Model) -> tuple[Manifest, Pool | None]:
    """Say what the pool is now; shards of which no row counts any more are no part of it from here on."""
    campaign = lease.job.campaign
    with database.read() as tx:
        manifest = shards.manifest(tx, campaign, model)
        known = pools.current(tx, campaign)
    if dead := {shard.key for shard in manifest.shards if not shard.images}:
        with lease.transaction() as tx:
            shards.forget(tx, campaign, dead)
        manifest = replace(manifest, shards=tuple(one for one in manifest.shards if one.key not in dead))
    return manifest, known


def _require_all(lease: Lease, objects: Objects, manifest: Manifest) -> None:
    if gone := lost(objects, manifest):
        with lease.transaction() as tx:
            shards.forget(tx, lease.job.campaign, gone)
        metrics.DAMAGED.inc(len(gone))
        some = f"{min(gone)} and {len(gone) - 1} more" if len(gone) > 1 else min(gone)
        raise Aborted("SHARD_LOST", f"the bucket has no {some} any more; they are made anew")


def _embedded(manifest: Manifest, pool: Pool) -> events.PoolEmbedded:
    return events.PoolEmbedded(
        campaign=manifest.campaign,
        version=pool.version,
        generation=pool.generation,
        manifest_key=pool.key,
        manifest_digest=pool.digest,
        backbone_digest=manifest.backbone,
        images=pool.images,
    )
