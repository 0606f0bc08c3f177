"""The job that ranks a pool and selects from it: reads in one transaction, computes in none, then commits.

What it read may be old when it commits. So a commit locks the campaign, decides again what there is to do,
and writes only if that is still what was done; otherwise it drops its work and queues the job anew.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

from aloft import strategies
from aloft.acquisition import metrics, ranking, ranking_file, selection, situation
from aloft.acquisition.domain import seeds
from aloft.acquisition.domain.due import Rank, Select
from aloft.acquisition.embedded_pool import Alive, EmbeddedPool
from aloft.acquisition.plan import Plan, plan
from aloft.acquisition.store import rankings
from aloft.kit.database import Transactions
from aloft.kit.jobs import Jobs, Lease
from aloft.kit.objects.port import Objects
from aloft.shards import read_manifest
from aloft.strategies.strategy import Needs, Ranked

_TELL_EVERY_S = 2.0
"""How often a running job says how far it is."""


@dataclass(frozen=True, slots=True)
class _Fresh:
    """A ranking that this job has just committed, and the pool it was made of."""

    version: int
    ranked: Ranked
    pool: EmbeddedPool


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
        fresh: _Fresh | None = None
        if isinstance(now.step, Rank):
            fresh, now = self._rank(lease, now, now.step)
        if isinstance(now.step, Select):
            self._select(lease, now, now.step, fresh)
        else:
            with lease.finish({"version": fresh.version} if fresh else None) as tx:
                situation.queue_what_is_due(tx, self._jobs, lease.job.campaign)
        return None

    def _rank(self, lease: Lease, now: Plan, step: Rank) -> tuple[_Fresh | None, Plan]:
        campaign = now.campaign
        strategy = strategies.load(step.strategy)
        seed = seeds.of_ranking(campaign.seed, step.version)
        with metrics.SECONDS.labels("rank").time():
            pool = self._pool(lease, now, strategy.needs)
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
            committed = ranking.commit(tx, made, step)
            return (_Fresh(step.version, ranked, pool) if committed else None), plan(tx, campaign.id)

    def _select(self, lease: Lease, now: Plan, step: Select, fresh: _Fresh | None) -> None:
        assert now.ranking is not None
        made = now.ranking
        strategy = strategies.load(made.strategy)
        seed = seeds.of_batch(now.campaign.seed, step.batch)
        with metrics.SECONDS.labels("select").time():
            ranked = fresh.ranked if fresh else self._read(made)
            pool = fresh.pool.less(now.excluded) if fresh else self._pool(lease, now, strategy.needs)
            picks = strategy.select(pool, ranked.without(now.excluded), now.campaign.batch_size, seed)
        result = {"version": made.version, "batch": step.batch, "images": len(picks)}
        with lease.finish(result) as tx:
            selection.commit(tx, now.campaign, step, made, seed, picks)
            situation.queue_what_is_due(tx, self._jobs, now.campaign.id)

    def _read(self, made: rankings.Ranking) -> Ranked:
        return replace(ranking_file.read(self._objects, made.key, made.digest), left_out=made.left_out)

    def _pool(self, lease: Lease, now: Plan, needs: Needs) -> EmbeddedPool:
        manifest = read_manifest(self._objects, *now.manifest)
        return EmbeddedPool(self._objects, manifest, needs, now.excluded, _telling(lease, now))


def _telling(lease: Lease, now: Plan) -> Alive:
    stage = type(now.step).__name__.lower()
    told = time.monotonic()

    def alive(done: int, total: int) -> None:
        nonlocal told
        if time.monotonic() - told >= _TELL_EVERY_S:
            lease.heartbeat(done=done, total=total, stage=stage)
            told = time.monotonic()

    return alive
