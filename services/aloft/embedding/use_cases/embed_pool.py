"""The job that brings a campaign's pool up to its newest promoted version."""

import logging
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from aloft.embedding import metrics
from aloft.embedding.domain import MLL, Model, Plan
from aloft.embedding.store import campaigns, shards
from aloft.embedding.store import images as image_rows
from aloft.embedding.use_cases.announce import announce
from aloft.embedding.use_cases.artefacts import Artefacts, ArtefactUnusable
from aloft.embedding.use_cases.columns import needed
from aloft.embedding.use_cases.pipeline import Feed, run
from aloft.embedding.use_cases.score_shards import score_shards
from aloft.embedding.use_cases.scoring import Scorer
from aloft.embedding.use_cases.shard_sink import ShardSink
from aloft.embedding.use_cases.turns import another_at_work, another_campaign_waits, enqueue
from aloft.imagery import ImageSpec
from aloft.kit.database import Transaction
from aloft.kit.database.database import Transactions
from aloft.kit.jobs import Jobs, Lease
from aloft.kit.objects.port import Objects
from aloft.pool_images import ImageReader, PoolImage

log = logging.getLogger(__name__)

YIELD_S = 5.0
"""How long a job waits for another of its campaign that is at work."""

MENDED_S = 300.0
"""After how long an artefact that could not be used is looked at again: somebody may have put it back."""

BEAT_S = 2.0
"""How often a job says how far it is."""

OTHERS = 16
"""How many images of the pool are tried before one that the store refuses is taken for a bucket refused."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a job works."""

    feed: Feed
    shard_images: int
    max_image_bytes: int
    turn_s: float = 30.0
    """How long a campaign may keep a worker that another campaign waits for."""


class EmbedPool:
    """Makes the features and logits that are missing, then announces. May be begun again after any point."""

    def __init__(
        self,
        database: Transactions,
        objects: Objects,
        pool: Objects,
        jobs: Jobs,
        artefacts: Artefacts,
        options: Options,
    ) -> None:
        self._database = database
        self._objects = objects
        self._pool = pool
        self._jobs = jobs
        self._artefacts = artefacts
        self._options = options

    def __call__(self, lease: Lease) -> Mapping[str, Any] | None:
        """Do the job."""
        campaign = lease.job.campaign
        if busy := another_at_work(self._database, self._jobs, lease):
            with lease.finish({"left_to": busy}) as tx:
                enqueue(self._jobs, tx, campaign, YIELD_S)
            return None
        with self._database.read() as tx:
            plan = _plan(tx, campaign)
        if plan is None:
            return {"waits": True}
        try:
            staged = self._foretells_from_stages(plan)
            if staged:
                plan = self._without_unscored(lease, plan)
            if plan.missing and (whose := self._embed(lease, plan, staged)):
                with lease.finish({"version": plan.model.version, "turn": whose}) as tx:
                    enqueue(self._jobs, tx, campaign)
                return None
            if plan.model.labels:
                score_shards(lease, self._database, self._objects, plan, self._artefacts)
        except ArtefactUnusable as error:
            self._set_aside(lease, plan.model, str(error))
        else:
            announce(lease, self._database, self._objects, plan.model)
        return None

    def _foretells_from_stages(self, plan: Plan) -> bool:
        if MLL not in plan.columns:
            return False
        losses = self._artefacts.heads(plan.model).losses
        return losses is not None and losses.staged

    def _without_unscored(self, lease: Lease, plan: Plan) -> Plan:
        """Let features count no longer whose losses are not foretold: that takes a pass over the images."""
        campaign, model = lease.job.campaign, plan.model
        with lease.transaction() as tx:
            for part, _ in shards.unscored(tx, campaign, model, plan.columns):
                shards.drop(tx, campaign, model.backbone, part)
            return _planned(tx, campaign, plan.spec, model)

    def _embed(self, lease: Lease, plan: Plan, staged: bool) -> str | None:
        """Make the features that are missing, or say whose turn it is before all are made."""
        lease.heartbeat(done=0, total=plan.missing, stage="embedding")
        network = self._artefacts.network(plan.model, plan.spec.bands, staged=staged)
        scorer = None
        if staged:
            scorer = Scorer(lease, self._objects, plan, self._artefacts.heads(plan.model))
        read = self._reader(lease.job.campaign, plan.spec)
        missing = self._missing(lease.job.campaign, plan.model.backbone)
        done, said = 0, time.monotonic()
        turn_ends = said + self._options.turn_s
        with (
            ShardSink(lease, self._objects, plan, self._options.shard_images, scorer) as sink,
            closing(run(missing, read, network, self._options.feed)) as batches,
        ):
            for batch in batches:
                sink.add(batch)
                done += len(batch.images) + len(batch.rejected)
                if time.monotonic() - said > BEAT_S:
                    lease.heartbeat(done=done)
                    said = time.monotonic()
                if not sink.empty:
                    continue
                if self._outdated(lease.job.campaign, plan.model):
                    return "a newer version's"
                if time.monotonic() >= turn_ends:
                    if another_campaign_waits(self._database, self._jobs, lease):
                        return "another campaign's"
                    turn_ends = time.monotonic() + self._options.turn_s
        return None

    def _reader(self, campaign: str, spec: ImageSpec) -> ImageReader:
        def others() -> Iterable[str]:
            with self._database.read() as tx:
                return image_rows.some_keys(tx, campaign, limit=OTHERS)

        return ImageReader(self._pool, spec, self._options.max_image_bytes, metrics.stage, others)

    def _outdated(self, campaign: str, model: Model) -> bool:
        """Say whether what is embedded now is of no use to the newest version, for which all else waits."""
        with self._database.read() as tx:
            newest = campaigns.newest(tx, campaign)
        return newest is not None and newest.version > model.version and newest.backbone != model.backbone

    def _missing(self, campaign: str, backbone: str) -> Iterator[PoolImage]:
        after, limit = "", self._options.shard_images
        while True:
            with self._database.read() as tx:
                page = image_rows.missing(tx, campaign, backbone, after=after, limit=limit)
            yield from page
            if len(page) < limit:
                return
            after = page[-1].id

    def _set_aside(self, lease: Lease, model: Model, why: str) -> None:
        log.error("campaign %s: %s", lease.job.campaign, why)
        metrics.UNUSABLE.inc()
        with lease.finish({"version": model.version, "unusable": why}) as tx:
            campaigns.unusable(tx, lease.job.campaign, model.version, why)
            enqueue(self._jobs, tx, lease.job.campaign, MENDED_S)


def _plan(tx: Transaction, campaign: str) -> Plan | None:
    spec = campaigns.spec(tx, campaign)
    model = campaigns.newest(tx, campaign)
    if spec is None or model is None:
        return None
    return _planned(tx, campaign, spec, model)


def _planned(tx: Transaction, campaign: str, spec: ImageSpec, model: Model) -> Plan:
    missing = image_rows.count_missing(tx, campaign, model.backbone)
    part = shards.next_part(tx, campaign, model.backbone)
    return Plan(spec, model, missing, part, needed(tx, campaign, model))
