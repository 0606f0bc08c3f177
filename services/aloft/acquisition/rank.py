"""The job that ranks a pool and selects from it: reads in one transaction, computes in none, then commits.

What it read may be old when it commits. So a commit locks the campaign, decides again what there is to do,
and writes only if that is still what was done; otherwise it drops its work and queues the job anew.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

from aloft import strategies
from aloft.acquisition import metrics, ranking_file, selection, situation
from aloft.acquisition.domain import seeds
from aloft.acquisition.domain.due import Rank, Select, Step, Wait, next_step
from aloft.acquisition.embedded_pool import EmbeddedPool
from aloft.acquisition.store import campaigns, images, models, rankings
from aloft.acquisition.store.campaigns import Campaign
from aloft.kit.clock import SECOND
from aloft.kit.database import Transaction, Transactions
from aloft.kit.jobs import Jobs, Lease
from aloft.kit.objects.port import Objects
from aloft.shards import read_manifest
from aloft.strategies.pool import Ids, ids
from aloft.strategies.strategy import Ranked

_TELL_EVERY_S = 2.0
"""How often a running job says how far it is."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What there is to do in a campaign, and what that takes from the store."""

    campaign: Campaign
    step: Step
    manifest: tuple[str, str] = ("", "")
    excluded: tuple[str, ...] = ()
    ranking: rankings.Ranking | None = None


def plan(tx: Transaction, name: str) -> Plan:
    """Decide what there is to do."""
    campaign = campaigns.find(tx, name)
    if campaign is None:
        raise LookupError(f"a job for campaign {name!r}, which is not known here")
    step = next_step(situation.read(tx, campaign))
    match step:
        case Rank():
            excluded = images.matching(tx, name, images.UNRANKED)
            return Plan(campaign, step, models.manifest(tx, name, step.version), tuple(excluded))
        case Select():
            made = rankings.get(tx, name, step.ranking)
            excluded = images.matching(tx, name, images.TAKEN)
            return Plan(campaign, step, (made.manifest_key, made.manifest_digest), tuple(excluded), made)
        case Wait():
            return Plan(campaign, step)


class RankJob:
    """Ranks if a ranking is due, then selects if a batch is."""

    def __init__(self, database: Transactions, objects: Objects, jobs: Jobs) -> None:
        self._database = database
        self._objects = objects
        self._jobs = jobs

    def __call__(self, lease: Lease) -> Mapping[str, object] | None:
        """Do what is due; how often it is begun makes no difference."""
        with self._database.read() as tx:
            now = plan(tx, lease.job.campaign)
        fresh: Ranked | None = None
        if isinstance(now.step, Rank):
            fresh, now = self._rank(lease, now, now.step)
        if isinstance(now.step, Select):
            self._select(lease, now, now.step, fresh)
        else:
            with lease.finish() as tx:
                situation.queue_what_is_due(tx, self._jobs, lease.job.campaign)
        return None

    def _rank(self, lease: Lease, now: Plan, step: Rank) -> tuple[Ranked | None, Plan]:
        campaign = now.campaign
        strategy = strategies.load(step.strategy)
        seed = seeds.of_ranking(campaign.seed, step.version)
        with metrics.SECONDS.labels("rank").time():
            pool = self._pool(lease, now, "rank")
            ranked = strategy.rank(pool, campaign.batch_size, seed)
        with metrics.SECONDS.labels("store").time():
            key, digest = ranking_file.write(self._objects, campaign.id, step.version, ranked)
        made = rankings.Ranking(
            campaign=campaign.id,
            number=0,
            id=f"{step.version}-{digest[:16]}",
            version=step.version,
            generation=step.generation,
            strategy=step.strategy,
            seed=seed,
            images=len(ranked),
            left_out=ranked.left_out,
            key=key,
            digest=digest,
            manifest_key=now.manifest[0],
            manifest_digest=now.manifest[1],
            label_revision=campaign.applied_revision,
        )
        with lease.transaction() as tx:
            committed = commit_ranking(tx, made, step)
            return (ranked if committed else None), plan(tx, campaign.id)

    def _select(self, lease: Lease, now: Plan, step: Select, fresh: Ranked | None) -> None:
        assert now.ranking is not None
        made = now.ranking
        ranked = fresh if fresh is not None else ranking_file.read(self._objects, made.key, made.digest)
        strategy = strategies.load(made.strategy)
        seed = seeds.of_batch(now.campaign.seed, step.batch)
        with metrics.SECONDS.labels("select").time():
            free = ranked.without(_sorted_ids(now.excluded))
            pool = self._pool(lease, now, "select")
            picks = strategy.select(pool, free, now.campaign.batch_size, seed)
        with lease.finish({"batch": step.batch, "images": len(picks)}) as tx:
            selection.commit(tx, now.campaign, step, made, seed, picks)
            situation.queue_what_is_due(tx, self._jobs, now.campaign.id)

    def _pool(self, lease: Lease, now: Plan, stage: str) -> EmbeddedPool:
        manifest = read_manifest(self._objects, *now.manifest)

        told = time.monotonic()

        def alive(done: int, total: int) -> None:
            nonlocal told
            if time.monotonic() - told >= _TELL_EVERY_S:
                lease.heartbeat(done=done, total=total, stage=stage)
                told = time.monotonic()

        return EmbeddedPool(self._objects, manifest, _sorted_ids(now.excluded), alive)


def commit_ranking(tx: Transaction, made: rankings.Ranking, step: Rank) -> bool:
    """Write a ranking if it is still the one that is due; False if something newer is."""
    campaign = campaigns.locked(tx, made.campaign)
    if next_step(situation.read(tx, campaign)) != step:
        return False
    before = rankings.newest(tx, made.campaign)
    made = replace(made, number=before.number + 1 if before else 1)
    rankings.insert(tx, made)
    campaigns.changed(tx, made.campaign)
    first = before is None or before.version != made.version
    waited_us = tx.now() - models.published_us(tx, made.campaign, made.version)
    tx.on_commit(lambda: _show(made, waited_us / SECOND if first else None))
    return True


def _show(made: rankings.Ranking, waited_s: float | None) -> None:
    metrics.POOL.labels(made.campaign).set(made.images)
    metrics.LEFT_OUT.labels(made.campaign).set(made.left_out)
    metrics.VERSION.labels(made.campaign).set(made.version)
    if waited_s is not None:
        metrics.FRESHNESS.observe(waited_s)


def _sorted_ids(images: tuple[str, ...]) -> Ids:
    return ids(list(images))
