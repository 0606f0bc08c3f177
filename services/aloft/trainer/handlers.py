"""What the trainer does about each event: with the campaign's row locked, and then beginning what is due."""

from collections.abc import Callable, Iterable
from typing import Any

from aloft.api.events.v1 import events_pb2 as events
from aloft.kit.bus.attached import attached
from aloft.kit.bus.context import Context, Handler, Handlers, NotYet, Poison
from aloft.kit.database import Transaction
from aloft.kit.jobs import Jobs
from aloft.kit.objects.port import Objects
from aloft.trainer.configuration import campaign_of
from aloft.trainer.domain.campaign import Campaign
from aloft.trainer.store import campaigns, images, label_sets
from aloft.trainer.use_cases.create_run import begin_what_is_due

EVALUATION_BATCH = 0

Effect = Callable[[Transaction, Campaign, Any], None]


class EventHandlers:
    """Applies events to the rows; runs are jobs."""

    def __init__(self, jobs: Jobs, objects: Objects) -> None:
        self._jobs = jobs
        self._objects = objects

    def by_event(self) -> Handlers:
        """Say which method handles which event."""
        return {
            events.CampaignChanged: self.campaign_changed,
            events.ImageRegistered: self._then_begin(self.image_registered),
            events.ImageQuarantined: self._then_begin(image_quarantined),
            events.LabelsCommitted: self._then_begin(labels_committed),
            events.BatchClosed: self._then_begin(batch_closed),
        }

    def campaign_changed(self, tx: Transaction, event: events.CampaignChanged, context: Context) -> None:
        """Remember the configuration."""
        try:
            campaigns.put(tx, campaign_of(context.campaign, event.campaign))
        except ValueError as error:
            raise Poison(str(error)) from error
        self._begin(tx, campaigns.locked(tx, context.campaign), context)

    def image_registered(self, tx: Transaction, campaign: Campaign, event: events.ImageRegistered) -> None:
        """Remember the images, those of every split."""
        images.register(tx, campaign.id, self._registered(event))

    def _then_begin(self, effect: Effect) -> Handler:
        def handle(tx: Transaction, event: Any, context: Context) -> None:
            campaign = campaigns.locked(tx, context.campaign)
            effect(tx, campaign, event)
            self._begin(tx, campaign, context)

        return handle

    def _begin(self, tx: Transaction, campaign: Campaign, context: Context) -> None:
        if context.time_us > campaign.heard_us:
            campaigns.update(tx, campaign.id, heard_us=context.time_us)
        begin_what_is_due(tx, self._jobs, campaign.id)

    def _registered(self, event: events.ImageRegistered) -> Iterable[events.RegisteredImage]:
        if not event.manifest_key:
            return event.images
        data = attached(self._objects, event.manifest_key, event.manifest_digest)
        return events.ImageRegistered.FromString(data).images


def image_quarantined(tx: Transaction, campaign: Campaign, event: events.ImageQuarantined) -> None:
    """Learn nothing from this image until it is registered anew."""
    if not images.quarantine(tx, campaign.id, event.image, event.image_version, event.reason):
        raise NotYet(f"version {event.image_version} of image {event.image} is not registered here yet")


def labels_committed(tx: Transaction, campaign: Campaign, event: events.LabelsCommitted) -> None:
    """Keep the label sets and count the revision."""
    # A run reads each labelled image by what was registered: without that it would be left out unnoticed.
    if missing := images.unknown(tx, campaign.id, [each.image for each in event.label_sets]):
        raise NotYet(f"{len(missing)} labelled images, {min(missing)} first, are not registered here yet")
    label_sets.add(tx, campaign.id, event.label_revision, event.label_sets)
    campaigns.apply_revision(tx, campaign, event.label_revision)


def batch_closed(tx: Transaction, campaign: Campaign, event: events.BatchClosed) -> None:
    """Know up to which revision a version is wanted, and when versions can be judged."""
    if event.batch == EVALUATION_BATCH:
        campaigns.update(tx, campaign.id, evaluation_closed=True)
    if event.train and event.label_revision > campaign.wanted_revision:
        campaigns.update(tx, campaign.id, wanted_revision=event.label_revision)
