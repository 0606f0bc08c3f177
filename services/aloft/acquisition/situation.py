"""Reads all that decides what a campaign's selection does next, and queues the job that does it."""

from aloft import strategies
from aloft.acquisition.domain.due import Wait, next_step
from aloft.acquisition.domain.situation import Batch, Embedded, Ranked, Revisions, Situation
from aloft.acquisition.store import batches, labels, models, rankings, refusals
from aloft.acquisition.store.campaigns import Campaign, find
from aloft.kit.database import Transaction
from aloft.kit.errors import InvalidArgument
from aloft.kit.jobs import Jobs

RANK = "rank"
"""The kind of job that ranks and selects."""

RERANK = "rerank"
"""The kind of job that ranks because somebody asked for it."""

_ATTEMPTS = 1_000
"""Days, at the distances that attempts have: a store that is away for a night must not end a campaign."""


def read(tx: Transaction, campaign: Campaign) -> Situation:
    """Read how a campaign stands."""
    return Situation(
        state=campaign.state,
        state_reason=campaign.state_reason,
        promoted=models.newest_promoted(tx, campaign.id),
        embedded=_embedded(tx, campaign),
        ranked=_ranked(rankings.newest(tx, campaign.id)),
        batch=_batch(batches.newest(tx, campaign.id)),
        revisions=Revisions(
            applied=campaign.applied_revision,
            named=campaign.named_revision,
            to_learn=campaign.training_revision,
            to_learn_batch=campaign.training_batch,
            learned=models.learned(tx, campaign.id),
        ),
        changes=campaign.changes,
        exhausted_at=campaign.exhausted_at,
        refused=refusals.find(tx, campaign.id),
    )


def _ranked(made: rankings.Ranking | None) -> Ranked | None:
    return None if made is None else Ranked(made.number, made.version, made.generation, made.strategy)


def _batch(made: batches.Selected | None) -> Batch | None:
    if made is None:
        return None
    return Batch(made.number, made.version, made.closed, made.reason, made.changes)


def _embedded(tx: Transaction, campaign: Campaign) -> Embedded | None:
    found = models.newest_embedded(tx, campaign.id)
    if found is None:
        return None
    version, generation = found
    strategy = strategy_under(tx, campaign, campaign.strategy, version)
    return Embedded(version.version, generation, version.label_revision, strategy)


def strategy_under(tx: Transaction, campaign: Campaign, expression: str, version: models.Version) -> str:
    """Say what a strategy means under a version, by how far the campaign was when the version learned."""
    learned = labels.labelled(tx, campaign.id, version.label_revision)
    images = models.embedded(tx, campaign.id, version.version)
    standing = strategies.Standing(version.base, learned, campaign.batch_size, images)
    try:
        return strategies.in_force(expression, standing)
    except InvalidArgument:
        # The package that brings it is not installed here: ranking says so, where an operator sees it.
        return expression


def queue_what_is_due(tx: Transaction, jobs: Jobs, campaign: str) -> None:
    """Queue the job if there is something to do for it; one that waits to begin is joined."""
    found = find(tx, campaign)
    if found is not None and not isinstance(next_step(read(tx, found)), Wait):
        queue(tx, jobs, campaign)


def queue(tx: Transaction, jobs: Jobs, campaign: str) -> str:
    """Queue the job that ranks and selects, and say its id; one that waits to begin is joined."""
    return jobs.enqueue(tx, RANK, campaign, {}, dedupe=RANK, max_attempts=_ATTEMPTS)
