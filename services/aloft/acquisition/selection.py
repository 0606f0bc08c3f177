"""Commits a batch: its number, the marks of its images and the event that says so, in one transaction."""

from aloft.acquisition import metrics, situation
from aloft.acquisition.domain.due import Select, next_step
from aloft.acquisition.store import batches, campaigns, images
from aloft.acquisition.store.campaigns import Campaign
from aloft.acquisition.store.rankings import Ranking
from aloft.api.events.v1 import events_pb2 as events
from aloft.kit import names
from aloft.kit.bus import outbox
from aloft.kit.database import Transaction
from aloft.strategies.strategy import Picks


def commit(
    tx: Transaction, planned: Campaign, step: Select, ranking: Ranking, seed: int, picks: Picks
) -> bool:
    """Send the batch out if it is still due and its images are free; False if the world has moved on."""
    campaign = campaigns.locked(tx, planned.id)
    if next_step(situation.read(tx, campaign)) != step or campaign.batch_size != planned.batch_size:
        return False
    if images.any_taken(tx, campaign.id, picks.images):
        return False
    if not picks.picks:
        # Something may have become free since the pool was read: only what was known then is exhausted.
        campaigns.update(tx, campaign.id, exhausted_at=planned.changes)
        return False
    batch = batches.Selected(
        number=step.batch,
        version=ranking.version,
        ranking=ranking.id,
        strategy=ranking.strategy,
        seed=seed,
        images=len(picks),
        changes=planned.changes,
        shortfall=picks.shortfall,
    )
    batches.select(tx, campaign.id, batch, picks)
    images.send_out(tx, campaign.id, step.batch, picks.images)
    event = announcement(campaign.id, step.batch, ranking, seed, picks)
    outbox.emit(tx, campaign.id, event, subject=names.BATCH.format(campaign.id, step.batch))
    tx.on_commit(metrics.BATCHES.labels(campaign.id, ranking.strategy).inc)
    return True


def announcement(
    campaign: str, batch: int, ranking: Ranking, seed: int, picks: Picks
) -> events.BatchSelected:
    """Say which images are out and why each."""
    return events.BatchSelected(
        campaign=campaign,
        batch=batch,
        version=ranking.version,
        ranking=names.RANKING.format(campaign, ranking.id),
        strategy=ranking.strategy,
        seed=seed,
        images=[
            events.SelectedImage(image=pick.image, score=pick.score, cluster=pick.cluster, why=pick.why)
            for pick in picks.picks
        ],
    )
