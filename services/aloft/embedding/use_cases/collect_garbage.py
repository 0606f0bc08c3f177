"""Finds and removes what nothing names any more: shards, their rows, and manifests.

No age is needed to spare what is being written. An attempt's name is in its shards, and whatever an attempt
that has ended has not made count by then never will. The objects are listed first: who wrote them is then
still at work, or has made them count, when the rows are read.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from aloft.embedding.domain import Pool, kept_backbones
from aloft.embedding.store import campaigns, pools, shards
from aloft.embedding.use_cases.turns import EMBED
from aloft.kit.clock import SECOND
from aloft.kit.database import Transaction
from aloft.kit.database.database import Transactions
from aloft.kit.jobs import State
from aloft.kit.jobs.live import live_jobs
from aloft.kit.objects.port import ObjectInfo, Objects
from aloft.shards import attempt_of, features_folder, logits_folder

READ_US = 3600 * SECOND
"""How long a manifest outlives the one that took its place: somebody may have begun to read it."""


@dataclass(frozen=True, slots=True)
class Spared:
    """What is no garbage."""

    backbones: frozenset[str]
    pools: frozenset[int]
    """Generations."""
    keys: frozenset[str]
    attempts: frozenset[str]
    """Those at work, whose shards may count yet; while there are any, so may every manifest."""

    def spares(self, key: str) -> bool:
        """Say whether an object is to stay."""
        attempt = attempt_of(key)
        at_work = bool(self.attempts) if attempt is None else attempt in self.attempts
        return at_work or key in self.keys


def collect_garbage(
    database: Transactions, objects: Objects, campaign: str, *, dry_run: bool
) -> Sequence[ObjectInfo]:
    """Remove a campaign's garbage, or only look for it, and say what it is."""
    folders = (features_folder(campaign), logits_folder(campaign))
    found = [info for folder in folders for info in objects.list(folder)]
    with database.transaction() as tx:
        campaigns.spec(tx, campaign, lock=True)
        spared = _spared(tx, campaign)
        if not dry_run:
            shards.drop_all_but(tx, campaign, spared.backbones)
            gone = {pool.generation for pool in pools.announced(tx, campaign)} - spared.pools
            pools.forget(tx, campaign, gone)
    garbage = [info for info in found if not spared.spares(info.key)]
    if not dry_run:
        objects.delete(info.key for info in garbage)
    return garbage


def _spared(tx: Transaction, campaign: str) -> Spared:
    promoted = dict(campaigns.backbones(tx, campaign))
    announced = pools.announced(tx, campaign)
    backbones = kept_backbones(promoted.items(), announced[0].version if announced else None)
    kept = [
        pool
        for pool in _still_read(announced, tx.now())
        # Without its features, a manifest that has no logits either tells of nothing more.
        if promoted[pool.version] in backbones or pool.key.startswith(logits_folder(campaign))
    ]
    at_work = [job for job in live_jobs(tx, campaign) if (job.kind, job.state) == (EMBED, State.RUNNING)]
    return Spared(
        frozenset(backbones),
        frozenset(pool.generation for pool in kept),
        frozenset(shards.keys(tx, campaign, backbones) | {pool.key for pool in kept}),
        frozenset(f"{job.id}-{job.epoch}" for job in at_work),
    )


def _still_read(announced: Iterable[Pool], now: int) -> Iterable[Pool]:
    """Of each version the newest manifest, and those that others took the place of lately."""
    replaced_us: dict[int, int] = {}
    for pool in sorted(announced, key=lambda pool: pool.generation, reverse=True):
        if pool.version not in replaced_us or now - replaced_us[pool.version] < READ_US:
            yield pool
        replaced_us[pool.version] = pool.announced_us
