"""Commits a ranking, if it is still the one that is due."""

from dataclasses import replace

from aloft.acquisition import metrics, situation
from aloft.acquisition.domain.due import Rank, next_step
from aloft.acquisition.store import campaigns, models, rankings
from aloft.kit.clock import SECOND
from aloft.kit.database import Transaction


def commit(tx: Transaction, made: rankings.Ranking, step: Rank) -> bool:
    """Write a ranking under its number; False if the world has moved on."""
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
