"""Which use case takes which event."""

import math

from aloft.api.events.v1 import events_pb2 as events
from aloft.kit.bus.context import Context, Handlers, NotYet, Poison
from aloft.kit.database import Transaction
from aloft.label_store.domain.stopping import Scored
from aloft.label_store.store import campaigns, scores
from aloft.label_store.use_cases.closing import stop_by_score
from aloft.label_store.use_cases.selecting import take_selection
from aloft.label_store.use_cases.skipping import quarantine


def handlers() -> Handlers:
    """Say what the label store takes."""
    return {
        events.BatchSelected: batch_selected,
        events.ImageQuarantined: image_quarantined,
        events.ModelPublished: model_published,
    }


def batch_selected(tx: Transaction, event: events.BatchSelected, _: Context) -> None:
    """Turn a selection into tasks."""
    take_selection(tx, event)


def image_quarantined(tx: Transaction, event: events.ImageQuarantined, _: Context) -> None:
    """Send the image out no more."""
    quarantine(tx, event)


def model_published(tx: Transaction, event: events.ModelPublished, _: Context) -> None:
    """Remember the newest promoted version and what versions scored; stop if that is good enough."""
    campaign = campaigns.find(tx, event.campaign, lock=True)
    if campaign is None:
        raise NotYet(f"campaigns/{event.campaign} is not known here")
    if event.promoted and event.version > campaign.promoted_version:
        campaign = campaigns.update(tx, campaign.id, promoted_version=event.version)
    if event.HasField("score") and not event.base:
        if not math.isfinite(event.score):
            raise Poison(f"version {event.version} of campaigns/{campaign.id} scored {event.score}")
        scores.note(tx, campaign.id, Scored(event.version, event.score, event.promoted))
        stop_by_score(tx, campaign)
