"""What each event does here: with the campaign's row locked, and in the end queueing what it made due."""

from collections.abc import Callable
from typing import Any

from aloft.acquisition import situation
from aloft.acquisition.domain.due import EMPTY, CampaignState
from aloft.acquisition.store import batches, campaigns, images, models
from aloft.acquisition.store.campaigns import Campaign
from aloft.api.events.v1 import events_pb2 as events
from aloft.api.labels.v1 import campaign_pb2 as pb
from aloft.kit import names
from aloft.kit.bus.context import Context, Handler, Handlers, Poison
from aloft.kit.database import Transaction
from aloft.kit.errors import InvalidArgument
from aloft.kit.jobs import Jobs

_STATES = {
    pb.Campaign.STATE_PAUSED: CampaignState.PAUSED,
    pb.Campaign.STATE_RUNNING: CampaignState.RUNNING,
    pb.Campaign.STATE_STOPPED: CampaignState.STOPPED,
}

Effect = Callable[[Transaction, Campaign, Any, Context], None]


def handlers(jobs: Jobs) -> Handlers:
    """Say which function takes which event."""

    def then_queue(effect: Effect) -> Handler:
        def handle(tx: Transaction, event: Any, context: Context) -> None:
            effect(tx, campaigns.locked(tx, event.campaign), event, context)
            situation.queue_what_is_due(tx, jobs, event.campaign)

        return handle

    def changed(tx: Transaction, event: events.CampaignChanged, context: Context) -> None:
        situation.queue_what_is_due(tx, jobs, campaign_changed(tx, event.campaign))

    return {
        events.CampaignChanged: changed,
        events.ModelPublished: then_queue(model_published),
        events.PoolEmbedded: then_queue(pool_embedded),
        events.LabelsCommitted: then_queue(labels_committed),
        events.BatchClosed: then_queue(batch_closed),
        events.ImageReleased: then_queue(image_released),
        events.ImageQuarantined: then_queue(image_quarantined),
    }


def campaign_changed(tx: Transaction, said: pb.Campaign) -> str:
    """Take what decides a selection from a campaign's newest version; say the campaign's id."""
    try:
        (campaign,) = names.CAMPAIGN.parse(said.name)
    except InvalidArgument as wrong:
        raise Poison(str(wrong)) from wrong
    if said.state not in _STATES or said.batch_policy.size < 1:
        raise Poison(f"{said.name} has state {said.state} and batches of {said.batch_policy.size}")
    new: dict[str, Any] = {
        "state": _STATES[said.state],
        "state_reason": said.state_reason,
        "strategy": said.strategy.expression,
        "seed": said.strategy.seed,
        "batch_size": said.batch_policy.size,
        "terms": _terms(said),
    }
    known = campaigns.find(tx, campaign, lock=True)
    if known is None:
        campaigns.write(tx, campaign, version=said.version, **new)
    elif known.version < said.version:
        campaigns.update(tx, campaign, version=said.version, **new)
        if any(getattr(known, name) != value for name, value in new.items()):
            campaigns.changed(tx, campaign)
    return campaign


def _terms(said: pb.Campaign) -> str:
    # These are the label store's to judge, but a change can make it accept what it did not before.
    return f"{said.budget.images}/{said.budget.annotations}/{said.overlap}"


def model_published(
    tx: Transaction, campaign: Campaign, event: events.ModelPublished, context: Context
) -> None:
    """Know a version; one that is promoted is to be ranked once its pool is embedded."""
    models.publish(
        tx,
        campaign.id,
        event.version,
        promoted=event.promoted,
        label_revision=event.label_revision,
        published_us=context.time_us,
    )


def pool_embedded(tx: Transaction, campaign: Campaign, event: events.PoolEmbedded, _: Context) -> None:
    """Know the newest manifest of a version."""
    models.embed(
        tx,
        campaign.id,
        event.version,
        generation=event.generation,
        manifest_key=event.manifest_key,
        manifest_digest=event.manifest_digest,
    )


def labels_committed(tx: Transaction, campaign: Campaign, event: events.LabelsCommitted, _: Context) -> None:
    """Mark the images as labelled and count the revision."""
    if campaigns.apply_revision(tx, campaign, event.label_revision) and images.label(
        tx, campaign.id, {each.image: each.version for each in event.label_sets}
    ):
        campaigns.changed(tx, campaign.id)


def batch_closed(tx: Transaction, campaign: Campaign, event: events.BatchClosed, _: Context) -> None:
    """Close the batch. What nobody labelled, skipped or still holds is free again."""
    if not batches.close(tx, campaign.id, event.batch, event.reason):
        return
    out = images.out_with(tx, campaign.id, event.batch)
    skipped = out.intersection(event.skipped)
    images.skip(tx, campaign.id, sorted(skipped))
    # Labelled ones stay marked until their label set is applied, so that nothing can select them in between.
    left = out.difference(event.labelled, event.outstanding, skipped)
    freed = images.free(tx, campaign.id, event.batch, left)
    named = max(campaign.named_revision, event.label_revision)
    campaigns.update(tx, campaign.id, named_revision=named)
    if freed and event.reason != EMPTY:
        campaigns.changed(tx, campaign.id)


def image_released(tx: Transaction, campaign: Campaign, event: events.ImageReleased, _: Context) -> None:
    """Free the images that are out with that batch, and no other."""
    if event.reason == "SKIPPED":
        out = images.out_with(tx, campaign.id, event.batch)
        images.skip(tx, campaign.id, sorted(out.intersection(event.images)))
        return
    freed = images.free(tx, campaign.id, event.batch, event.images)
    # What was not accepted is as it was before the batch: it is no reason to select the same again.
    if freed and event.reason != "NOT_ACCEPTED":
        campaigns.changed(tx, campaign.id)


def image_quarantined(
    tx: Transaction, campaign: Campaign, event: events.ImageQuarantined, _: Context
) -> None:
    """Never select the image again."""
    if images.quarantine(tx, campaign.id, event.image):
        campaigns.changed(tx, campaign.id)
