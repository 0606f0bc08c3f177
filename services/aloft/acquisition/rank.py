"""The job that ranks a pool and selects from it: reads in one transaction, computes in none, then commits.

What it read may be old when it commits. So a commit locks the campaign, decides again what there is to do,
and writes only if that is still what was done; otherwise it drops its work and queues the job anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from google.protobuf.json_format import MessageToDict

from aloft.acquisition import (
    balance,
    messages,
    metrics,
    needs,
    ranking,
    ranking_file,
    selection,
    situation,
)
from aloft.acquisition.domain import seeds
from aloft.acquisition.domain.due import Rank, Select
from aloft.acquisition.domain.situation import Refused
from aloft.acquisition.embedded_pool import EmbeddedPool
from aloft.acquisition.plan import Plan, plan, plan_to_rerank
from aloft.acquisition.progress import telling
from aloft.acquisition.store import campaigns, rankings, refusals
from aloft.kit.database import Transactions
from aloft.kit.errors import Aborted
from aloft.kit.jobs import Jobs, Lease
from aloft.kit.objects.port import Objects
from aloft.shards import Manifest, read_manifest
from aloft.strategies.strategy import Ranked, Strategy


@dataclass(frozen=True, slots=True)
class _Fresh:
    """A ranking that this job has just committed, and what it was made of."""

    made: rankings.Ranking
    ranked: Ranked
    manifest: Manifest
    strategy: Strategy
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
        try:
            if isinstance(now.step, Rank):
                fresh, now = self._rank(lease, now, now.step)
            if isinstance(now.step, Select):
                self._select(lease, now, now.step, fresh)
                return None
        except needs.Unmet as unmet:
            self._refuse(lease, now, unmet)
            return None
        with lease.finish({"version": fresh.made.version} if fresh else None) as tx:
            situation.queue_what_is_due(tx, self._jobs, lease.job.campaign)
        return None

    def rerank(self, lease: Lease) -> Mapping[str, object] | None:
        """Rank the newest pool although nothing changed, because somebody asked for it."""
        with self._database.read() as tx:
            now = plan_to_rerank(tx, lease.job.campaign)
        assert isinstance(now.step, Rank)
        fresh = self._compute(lease, now, now.step)
        result: dict[str, object] = {}
        with lease.finish(result) as tx:
            made = ranking.commit(tx, fresh.made, now.step, asked=True)
            if made is None:
                raise Aborted("RANKING_OUTDATED", "a newer pool was embedded while this one was ranked")
            result.update(MessageToDict(messages.ranking(made)))
            situation.queue_what_is_due(tx, self._jobs, lease.job.campaign)
        return None

    def _rank(self, lease: Lease, now: Plan, step: Rank) -> tuple[_Fresh | None, Plan]:
        fresh = self._compute(lease, now, step)
        with lease.transaction() as tx:
            committed = ranking.commit(tx, fresh.made, step)
            return (fresh if committed else None), plan(tx, now.campaign.id)

    def _compute(self, lease: Lease, now: Plan, step: Rank) -> _Fresh:
        assert now.sources is not None
        campaign = now.campaign
        manifest = read_manifest(self._objects, *now.sources.manifest)
        strategy = needs.load(step.strategy, manifest)
        seed = seeds.of_ranking(campaign.seed, step.version)
        with metrics.SECONDS.labels("rank").time():
            pool = EmbeddedPool(self._objects, manifest, strategy.needs, now.sources, telling(lease, "rank"))
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
            manifest_key=now.sources.manifest[0],
            manifest_digest=now.sources.manifest[1],
            label_revision=campaign.applied_revision,
        )
        return _Fresh(made, ranked, manifest, strategy, pool)

    def _select(self, lease: Lease, now: Plan, step: Select, fresh: _Fresh | None) -> None:
        made = now.ranking
        assert made is not None
        assert now.sources is not None
        alive = telling(lease, "select")
        if fresh is None:
            manifest = read_manifest(self._objects, *now.sources.manifest)
            strategy = needs.load(made.strategy, manifest)
            ranked = ranking_file.read(self._objects, made.key, made.digest, made.images, made.left_out)
            pool = EmbeddedPool(self._objects, manifest, strategy.needs, now.sources, alive)
        else:
            manifest, strategy, ranked = fresh.manifest, fresh.strategy, fresh.ranked
            pool = fresh.pool.under(now.sources, alive)
        seed = seeds.of_batch(now.campaign.seed, step.batch)
        with metrics.SECONDS.labels("select").time():
            free = ranked.without(now.sources.excluded)
            picks = strategy.select(pool, free, now.campaign.batch_size, seed)
        with metrics.SECONDS.labels("balance").time():
            expected = balance.expected(self._objects, manifest, picks, pool.heads)
        result: dict[str, object] = {"version": made.version}
        with lease.finish(result) as tx:
            if selection.commit(tx, now.campaign, step, made, seed, picks):
                result |= {"batch": step.batch, "images": len(picks)}
                tx.on_commit(lambda: metrics.show_balance(now.campaign.id, expected))
            situation.queue_what_is_due(tx, self._jobs, now.campaign.id)

    def _refuse(self, lease: Lease, now: Plan, unmet: needs.Unmet) -> None:
        """Keep why the strategy cannot work on this pool, and rest until either is another."""
        on = now.step if isinstance(now.step, Rank) else now.ranking
        assert on is not None
        with lease.finish() as tx:
            campaigns.locked(tx, now.campaign.id)
            refused = Refused(on.version, on.generation, on.strategy, unmet.message)
            refusals.write(tx, now.campaign.id, refused)
            situation.queue_what_is_due(tx, self._jobs, now.campaign.id)
