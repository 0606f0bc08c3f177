"""Tells of the manifest that covers the pool under a version, and ends the job with it."""

from aloft.api.events.v1 import events_pb2 as events
from aloft.embedding.domain import Model, Pool
from aloft.embedding.store import campaigns, pools, shards
from aloft.kit.bus import outbox
from aloft.kit.database.database import Transactions
from aloft.kit.jobs import Lease
from aloft.kit.objects.port import Objects
from aloft.shards import Manifest, write_manifest


def announce(lease: Lease, database: Transactions, objects: Objects, model: Model) -> None:
    """Write the manifest and the event, unless the same one, or that of a newer version, is in force."""
    campaign = lease.job.campaign
    with database.read() as tx:
        manifest = shards.manifest(tx, campaign, model)
        known = pools.current(tx, campaign)
    if not manifest.images and known is None:
        return  # there is no pool yet to tell of
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
