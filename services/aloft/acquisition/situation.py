"""Reads all that decides what a campaign's selection does next, and queues the job that does it."""

from aloft.acquisition.domain.due import Ranked, Situation, Wait, next_step
from aloft.acquisition.store import batches, models, rankings
from aloft.acquisition.store.campaigns import Campaign, find
from aloft.kit.database import Transaction
from aloft.kit.jobs import Jobs

RANK = "rank"
"""The kind of job that ranks and selects."""

_ATTEMPTS = 1_000
"""Days, at the distances that attempts have: a store that is away for a night must not end a campaign."""


def read(tx: Transaction, campaign: Campaign) -> Situation:
    """Read how a campaign stands."""
    made = rankings.newest(tx, campaign.id)
    embedded = models.newest_embedded(tx, campaign.id)
    return Situation(
        state=campaign.state,
        state_reason=campaign.state_reason,
        strategy=campaign.strategy,
        promoted=models.newest_promoted(tx, campaign.id),
        embedded=embedded,
        ranked=None if made is None else Ranked(made.number, made.version, made.generation, made.strategy),
        batch=batches.newest(tx, campaign.id),
        applied_revision=campaign.applied_revision,
        named_revision=campaign.named_revision,
        changes=campaign.changes,
        exhausted_at=campaign.exhausted_at,
    )


def queue_what_is_due(tx: Transaction, jobs: Jobs, campaign: str) -> None:
    """Queue the job if there is something to do for it; one that waits to begin is joined."""
    found = find(tx, campaign)
    if found is not None and not isinstance(next_step(read(tx, found)), Wait):
        jobs.enqueue(tx, RANK, campaign, {}, dedupe=RANK, max_attempts=_ATTEMPTS)
