"""Finds and removes what nothing names any more: shards, their rows, and manifests.

No age is needed to spare what is being written. An attempt's name is in its shards, and whatever an attempt
that has ended has not made count by then never will. The objects are listed first, then who is at work, then
what counts: who wrote an object is then still at work, or has made it count, when the rows are read.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from aloft.embedding.domain import Pool, kept_backbones
from aloft.embedding.store import campaigns, pools, shards
from aloft.embedding.use_cases.turns import EMBED
from aloft.kit.clock import SECOND
from aloft.kit.database import Transaction
from aloft.kit.database.database import Transactions
from aloft.kit.jobs import State
from aloft.kit.jobs.live import live_jobs
from aloft.kit.objects.errors import ObjectMissing
from aloft.kit.objects.port import ObjectInfo, Objects
from aloft.shards import ShardDamaged, attempt_of, features_folder, logits_folder, read_manifest

log = logging.getLogger(__name__)

READ_US = 3600 * SECOND
"""How long a manifest outlives the one that took its place: somebody may have begun to read it."""


@dataclass(frozen=True, slots=True)
class Spared:
    """What is no garbage."""

    backbones: frozenset[str]
    pools: Sequence[Pool]
    """Manifests, which stay with what they name."""
    keys: frozenset[str]
    attempts: frozenset[str]
    """Those at work, whose shards may count yet."""
    announcing: bool
    """Whether there is a job that may come to announce any manifest that lies there."""

    def spares(self, key: str) -> bool:
        """Say whether an object is to stay, whatever the manifests name."""
        attempt = attempt_of(key)
        at_work = self.announcing if attempt is None else attempt in self.attempts
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
            kept = {pool.generation for pool in spared.pools}
            gone = {pool.generation for pool in pools.announced(tx, campaign)} - kept
            pools.forget(tx, campaign, gone)
    named = set(_named(objects, campaign, spared))
    garbage = [info for info in found if not spared.spares(info.key) and info.key not in named]
    if not dry_run:
        objects.delete(info.key for info in garbage)
    return garbage


def _spared(tx: Transaction, campaign: str) -> Spared:
    live = [job for job in live_jobs(tx, campaign) if job.kind == EMBED]
    promoted = dict(campaigns.backbones(tx, campaign))
    announced = pools.announced(tx, campaign)
    backbones = kept_backbones(promoted.items(), announced[0].version if announced else None)
    kept = [
        pool
        for pool in _still_read(announced, tx.now())
        # Without its features, a manifest that has no logits either tells of nothing more.
        if promoted[pool.version] in backbones or pool.key.startswith(logits_folder(campaign))
    ]
    return Spared(
        frozenset(backbones),
        kept,
        frozenset(shards.keys(tx, campaign, backbones) | {pool.key for pool in kept}),
        frozenset(f"{job.id}-{job.epoch}" for job in live if job.state is State.RUNNING),
        # A manifest has no attempt in its name: one that an attempt wrote and did not live to announce is
        # found there, and announced, by the next, which is queued until it begins. It may do so before the
        # deletion that was decided here, so that writing the manifest anew would not save it.
        announcing=bool(live),
    )


def _named(objects: Objects, campaign: str, spared: Spared) -> Iterator[str]:
    """Name the shards in the manifests that stay: the rows may tell of those of the next manifest already."""
    for pool in spared.pools:
        try:
            manifest = read_manifest(objects, pool.key, pool.digest)
        except (ObjectMissing, ShardDamaged) as error:
            log.warning("campaign %s: nobody can read generation %d: %s", campaign, pool.generation, error)
            continue
        for shard in manifest.shards:
            if manifest.backbone in spared.backbones:
                yield shard.key
            if shard.logits is not None:
                yield shard.logits.key


def _still_read(announced: Iterable[Pool], now: int) -> Iterable[Pool]:
    """Of each version the newest manifest, and those that others took the place of lately."""
    replaced_us: dict[int, int] = {}
    for pool in sorted(announced, key=lambda pool: pool.generation, reverse=True):
        if pool.version not in replaced_us or now - replaced_us[pool.version] < READ_US:
            yield pool
        replaced_us[pool.version] = pool.announced_us
