"""What each event does here: with the campaign's row locked, and in the end queueing what it made due."""

from collections.abc import Callable
from typing import Any

from aloft.acquisition import situation
from aloft.acquisition.campaign_events import campaign_changed, model_published, pool_embedded
from aloft.acquisition.image_events import image_quarantined, image_registered
from aloft.acquisition.label_events import batch_closed, image_released, labels_committed
from aloft.acquisition.store import campaigns
from aloft.acquisition.store.campaigns import Campaign
from aloft.api.events.v1 import events_pb2 as events
from aloft.kit.bus.context import Context, Handler, Handlers
from aloft.kit.database import Transaction
from aloft.kit.jobs import Jobs
from aloft.kit.objects.port import Objects

Effect = Callable[[Transaction, Campaign, Any, Context], None]


def handlers(jobs: Jobs, objects: Objects) -> Handlers:
    """Say which function takes which event."""

    def then_queue(effect: Effect) -> Handler:
        def handle(tx: Transaction, event: Any, context: Context) -> None:
            effect(tx, campaigns.locked(tx, event.campaign), event, context)
            situation.queue_what_is_due(tx, jobs, event.campaign)

        return handle

    def changed(tx: Transaction, event: events.CampaignChanged, context: Context) -> None:
        situation.queue_what_is_due(tx, jobs, campaign_changed(tx, event.campaign, context))

    def registered(tx: Transaction, campaign: Campaign, event: events.ImageRegistered, _: Context) -> None:
        image_registered(tx, campaign, event, objects)

    return {
        events.CampaignChanged: changed,
        events.ModelPublished: then_queue(model_published),
        events.PoolEmbedded: then_queue(pool_embedded),
        events.LabelsCommitted: then_queue(labels_committed),
        events.BatchClosed: then_queue(batch_closed),
        events.ImageReleased: then_queue(image_released),
        events.ImageRegistered: then_queue(registered),
        events.ImageQuarantined: then_queue(image_quarantined),
    }
