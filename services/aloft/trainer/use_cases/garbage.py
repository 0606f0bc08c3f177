"""Finds, under the versions of a campaign, the objects that nothing names any more."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from aloft.kit.clock import SECOND
from aloft.kit.database import Transaction
from aloft.kit.database.database import Transactions
from aloft.kit.jobs import Jobs
from aloft.kit.objects.port import ObjectInfo, Objects
from aloft.trainer.store import campaigns, models, runs
from aloft.trainer.use_cases.artefacts import folder

RESTS_S = 3600
"""How long a run must have ended before what it left is taken for garbage: a zombie may still write."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What may not be removed."""

    ended: frozenset[int]
    """Versions whose run ended long ago: only under these is anything removed."""
    named: frozenset[str]
    """Keys that a row names."""


def collect(
    database: Transactions, objects: Objects, jobs: Jobs, campaign: str, *, dry_run: bool
) -> Sequence[ObjectInfo]:
    """Remove the garbage of a campaign, or only find it; say what it is."""
    with database.read() as tx:
        campaigns.get(tx, campaign)
        kept = _kept(tx, jobs, campaign)
    prefix = folder(campaign, 0).removesuffix("0/")
    found = list(_garbage(objects.list(prefix), prefix, kept))
    if not dry_run:
        objects.delete([info.key for info in found])
    return found


def _kept(tx: Transaction, jobs: Jobs, campaign: str) -> Kept:
    now = tx.now()
    ended, named = set(), set()
    for run in runs.newest(tx, campaign, limit=None):
        named.add(run.snapshot_key)
        ended_us = jobs.get(tx, run.job).ended_us
        if ended_us is not None and now - ended_us >= RESTS_S * SECOND:
            ended.add(run.version)
    for model in models.all_of(tx, campaign):
        named.update((model.artefact_key, model.archive_key, model.card_key))
    return Kept(frozenset(ended), frozenset(named))


def _garbage(infos: Iterable[ObjectInfo], prefix: str, kept: Kept) -> Iterable[ObjectInfo]:
    for info in infos:
        version = info.key.removeprefix(prefix).split("/", 1)[0]
        # What lies under no run's number was put there by a person.
        if version.isdecimal() and int(version) in kept.ended and info.key not in kept.named:
            yield info
