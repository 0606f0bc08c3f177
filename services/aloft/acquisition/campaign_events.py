"""What is said of a campaign, of its versions and of their pools."""

from typing import Any

from aloft.acquisition.domain.situation import CampaignState
from aloft.acquisition.store import campaigns, models
from aloft.acquisition.store.campaigns import Campaign
from aloft.api.events.v1 import events_pb2 as events
from aloft.api.labels.v1 import campaign_pb2 as pb
from aloft.kit import names
from aloft.kit.bus.context import Context, Poison
from aloft.kit.database import Transaction
from aloft.kit.errors import InvalidArgument

_STATES = {
    pb.Campaign.STATE_PAUSED: CampaignState.PAUSED,
    pb.Campaign.STATE_RUNNING: CampaignState.RUNNING,
    pb.Campaign.STATE_STOPPED: CampaignState.STOPPED,
}


def campaign_changed(tx: Transaction, said: pb.Campaign, context: Context) -> str:
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
        campaigns.write(tx, campaign, version=said.version, state_us=context.time_us, **new)
    elif known.version < said.version:
        since_us = known.state_us if known.state is new["state"] else context.time_us
        campaigns.update(tx, campaign, version=said.version, state_us=since_us, **new)
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
    published = models.Version(
        version=event.version,
        promoted=event.promoted,
        base=event.base,
        gate_failure=event.gate_failure,
        label_revision=event.label_revision,
        published_us=context.time_us,
    )
    models.publish(tx, campaign.id, published)


def pool_embedded(tx: Transaction, campaign: Campaign, event: events.PoolEmbedded, _: Context) -> None:
    """Know the newest manifest of a version."""
    models.embed(
        tx,
        campaign.id,
        event.version,
        generation=event.generation,
        images=event.images,
        manifest_key=event.manifest_key,
        manifest_digest=event.manifest_digest,
    )
