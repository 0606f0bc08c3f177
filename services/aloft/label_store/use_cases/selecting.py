"""What a selection does: it becomes a batch, and what nobody has touched of the one before it leaves."""

from collections.abc import Sequence

from aloft.api.events.v1 import events_pb2 as events
from aloft.kit.bus.context import NotYet, Poison
from aloft.kit.database import Transaction
from aloft.label_store import announcing
from aloft.label_store.domain import budgets
from aloft.label_store.domain.batches import CloseReason, ReleaseReason, accepted, close_after_us
from aloft.label_store.store import batches, campaigns, images, task_counts, tasks
from aloft.label_store.store.batches import Batch
from aloft.label_store.store.campaigns import EVALUATION, STOPPED, Campaign
from aloft.label_store.use_cases.closing import close


def take_selection(tx: Transaction, selected: events.BatchSelected) -> None:
    """Open a batch for a selection, once; release what is not sent out."""
    campaign = campaigns.find(tx, selected.campaign, lock=True)
    if campaign is None:
        raise NotYet(f"campaigns/{selected.campaign} is not known here")
    if selected.batch <= EVALUATION:
        raise Poison(f"batches are selected by numbers above {EVALUATION}, not {selected.batch}")
    if batches.find(tx, campaign.id, selected.batch) is not None:
        return
    wanted = [chosen.image for chosen in selected.images]
    if campaign.state == STOPPED:
        _refuse(tx, campaign, selected, wanted, CloseReason.CAMPAIGN_STOPPED)
    elif selected.batch < campaign.newest_batch:
        _refuse(tx, campaign, selected, wanted, CloseReason.SUPERSEDED)
    else:
        _accept(tx, campaign, selected, wanted)


def _accept(
    tx: Transaction, campaign: Campaign, selected: events.BatchSelected, wanted: Sequence[str]
) -> None:
    if campaign.open_batch is not None:
        campaign = close(tx, campaign, campaign.open_batch, CloseReason.SUPERSEDED)
    if campaign.state == STOPPED:
        _refuse(tx, campaign, selected, wanted, CloseReason.CAMPAIGN_STOPPED)
        return
    taken, refused = accepted(wanted, images.candidates(tx, campaign.id, wanted), _room(tx, campaign))
    if not taken:
        _refuse(tx, campaign, selected, wanted, CloseReason.EMPTY)
        return
    close_after = close_after_us(campaign.spec.batch_policy)
    batches.insert(tx, _batch(campaign, selected, len(taken)), taken, close_after)
    tasks.insert(tx, campaign.id, selected.batch, taken, campaign.spec.overlap)
    images.change(tx, campaign.id, sorted(taken), batch=selected.batch)
    campaigns.update(tx, campaign.id, newest_batch=selected.batch, open_batch=selected.batch)
    announcing.images_released(tx, campaign.id, selected.batch, refused, ReleaseReason.NOT_ACCEPTED)


def _room(tx: Transaction, campaign: Campaign) -> int | None:
    spec = campaign.spec
    return budgets.room(spec.budget, campaign.spent, task_counts.in_flight(tx, campaign.id), spec.overlap)


def _refuse(
    tx: Transaction,
    campaign: Campaign,
    selected: events.BatchSelected,
    wanted: Sequence[str],
    reason: CloseReason,
) -> None:
    """Close a batch before it opened: nothing of it is sent out."""
    batches.insert(tx, _batch(campaign, selected, 0), [], 0)
    batches.close(tx, campaign.id, selected.batch, reason)
    if selected.batch > campaign.newest_batch:
        campaign = campaigns.update(tx, campaign.id, newest_batch=selected.batch)
    announcing.batch_closed(tx, campaign, selected.batch, reason, {})
    announcing.images_released(
        tx, campaign.id, selected.batch, list(dict.fromkeys(wanted)), ReleaseReason.NOT_ACCEPTED
    )


def _batch(campaign: Campaign, selected: events.BatchSelected, accepted_images: int) -> Batch:
    return Batch(
        campaign=campaign.id,
        number=selected.batch,
        model_version=selected.version,
        ranking=selected.ranking,
        strategy=selected.strategy,
        selected_images=len(selected.images),
        accepted_images=accepted_images,
    )
