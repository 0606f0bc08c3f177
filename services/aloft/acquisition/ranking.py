"""Commits a ranking, if it is still the one that is due, or still of what is newest."""

from dataclasses import replace

from aloft.acquisition import metrics, situation
from aloft.acquisition.domain.due import Rank, next_step
from aloft.acquisition.domain.situation import Situation
from aloft.acquisition.store import campaigns, models, rankings, refusals
from aloft.kit.clock import SECOND
from aloft.kit.database import Transaction


def commit(
    tx: Transaction, made: rankings.Ranking, step: Rank, *, asked: bool = False
) -> rankings.Ranking | None:
    """Write a ranking under its number, and give it with that; None if the world has moved on.

    One that somebody `asked` for need not be due.
    """
    campaign = campaigns.locked(tx, made.campaign)
    now = situation.read(tx, campaign)
    if next_step(now) != step and not (asked and _is_newest(now, step)):
        return None
    before = rankings.newest(tx, made.campaign)
    made = replace(made, number=before.number + 1 if before else 1, created_us=tx.now())
    rankings.insert(tx, made)
    refusals.forget(tx, made.campaign)
    campaigns.changed(tx, made.campaign)
    first = before is None or before.version != made.version
    waited_us = made.created_us - models.published_us(tx, made.campaign, made.version)
    tx.on_commit(lambda: _show(made, waited_us / SECOND if first else None))
    return made


def _is_newest(now: Situation, step: Rank) -> bool:
    newest = now.embedded
    return newest is not None and step == Rank(newest.version, newest.generation, newest.strategy)


def _show(made: rankings.Ranking, waited_s: float | None) -> None:
    metrics.POOL.labels(made.campaign).set(made.images)
    metrics.LEFT_OUT.labels(made.campaign).set(made.left_out)
    metrics.VERSION.labels(made.campaign).set(made.version)
    if waited_s is not None:
        metrics.FRESHNESS.observe(waited_s)
        metrics.WAITED.labels(made.campaign).set(waited_s)
