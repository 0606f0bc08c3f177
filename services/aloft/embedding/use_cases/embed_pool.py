"""The job that brings a campaign's pool up to its newest promoted version."""

import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from aloft.api.events.v1 import events_pb2 as events
from aloft.embedding.domain import Model, Plan, Pool, PoolImage
from aloft.embedding.store import campaigns, pools
from aloft.embedding.store import images as image_rows
from aloft.embedding.use_cases.backbones import Backbones
from aloft.embedding.use_cases.pipeline import Feed, run
from aloft.embedding.use_cases.read_image import ImageReader
from aloft.embedding.use_cases.shard_sink import ShardSink
from aloft.kit.bus import outbox
from aloft.kit.database import Transaction
from aloft.kit.database.database import Transactions
from aloft.kit.jobs import Jobs, Lease, State
from aloft.kit.objects.port import Objects
from aloft.shards import Manifest, write_manifest

EMBED = "embed"
"""The kind of this job."""

ATTEMPTS = 1_000_000
"""A store may be away for days and the pool must still be embedded after: no number of failures is final."""

YIELD_S = 5.0
"""How long a job waits for another of its campaign that is at work."""

BEAT_S = 2.0
"""How often a job says how far it is."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a job works."""

    feed: Feed
    shard_images: int
    max_image_bytes: int


def enqueue(jobs: Jobs, tx: Transaction, campaign: str, delay_s: float = 0.0) -> None:
    """Queue the job, or join one that has not begun."""
    jobs.enqueue(tx, EMBED, campaign, {}, dedupe=EMBED, delay_s=delay_s, max_attempts=ATTEMPTS)


class EmbedPool:
    """Embeds what has no features yet, then announces the manifest. May be begun again after any point."""

    def __init__(
        self,
        database: Transactions,
        objects: Objects,
        pool: Objects,
        jobs: Jobs,
        backbones: Backbones,
        options: Options,
    ) -> None:
        self._database = database
        self._objects = objects
        self._pool = pool
        self._jobs = jobs
        self._backbones = backbones
        self._options = options

    def __call__(self, lease: Lease) -> Mapping[str, Any] | None:
        """Do the job."""
        campaign = lease.job.campaign
        with self._database.read() as tx:
            busy = self._another_is_at_work(tx, lease)
            plan = _plan(tx, campaign)
        if busy:
            with lease.finish({"left_to": busy}) as tx:
                enqueue(self._jobs, tx, campaign, YIELD_S)
            return None
        if plan is None:
            return {"waits": True}
        if plan.missing:
            self._embed(lease, plan)
        self._announce(lease, plan.model)
        return None

    def _another_is_at_work(self, tx: Transaction, lease: Lease) -> str | None:
        running = self._jobs.list(tx, campaign=lease.job.campaign, kinds=(EMBED,), states=(State.RUNNING,))
        now = tx.now()
        others = (job.id for job in running if job.id != lease.job.id and (job.lease_until_us or 0) > now)
        return next(others, None)

    def _embed(self, lease: Lease, plan: Plan) -> None:
        lease.heartbeat(done=0, total=plan.missing, stage="embedding")
        network = self._backbones.get(plan.model, plan.spec.bands)
        read = ImageReader(self._pool, plan.spec, self._options.max_image_bytes)
        missing = self._missing(lease.job.campaign, plan.model.backbone)
        done, said = 0, time.monotonic()
        with (
            ShardSink(lease, self._objects, plan, self._options.shard_images) as sink,
            closing(run(missing, read, network, self._options.feed)) as batches,
        ):
            for batch in batches:
                sink.add(batch)
                done += len(batch.images) + len(batch.rejected)
                if time.monotonic() - said > BEAT_S:
                    lease.heartbeat(done=done)
                    said = time.monotonic()

    def _missing(self, campaign: str, backbone: str) -> Iterator[PoolImage]:
        after, limit = "", self._options.shard_images
        while True:
            with self._database.read() as tx:
                page = image_rows.missing(tx, campaign, backbone, after=after, limit=limit)
            yield from page
            if len(page) < limit:
                return
            after = page[-1].id

    def _announce(self, lease: Lease, model: Model) -> None:
        campaign = lease.job.campaign
        with self._database.read() as tx:
            manifest = pools.manifest(tx, campaign, model)
            known = pools.current(tx, campaign)
        if not manifest.images and known is None:
            return  # there is no pool yet to tell of
        key, digest = write_manifest(self._objects, manifest)
        with lease.finish({"version": model.version, "images": manifest.images}) as tx:
            campaigns.spec(tx, campaign, lock=True)
            known = pools.current(tx, campaign)
            if known is not None and (known.digest == digest or known.version > model.version):
                return
            generation = 1 if known is None else known.generation + 1
            pool = Pool(model.version, generation, key, digest, manifest.images)
            pools.replace(tx, campaign, pool)
            outbox.emit(tx, campaign, _embedded(manifest, pool), subject=f"campaigns/{campaign}/pool")


def _plan(tx: Transaction, campaign: str) -> Plan | None:
    spec = campaigns.spec(tx, campaign)
    model = campaigns.newest(tx, campaign)
    if spec is None or model is None:
        return None
    missing = image_rows.count_missing(tx, campaign, model.backbone)
    return Plan(spec, model, missing, pools.next_part(tx, campaign, model.backbone))


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
