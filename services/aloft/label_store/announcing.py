"""The events that the label store gives, each written in the transaction of what it says.

The campaign's row is locked by then, so that the events of a campaign lie in the outbox in commit order.
"""

from collections.abc import Mapping, Sequence

from aloft.api.events.v1 import events_pb2 as events
from aloft.api.labels.v1 import campaign_pb2
from aloft.kit import names
from aloft.kit.bus import outbox
from aloft.kit.database import Transaction
from aloft.label_store import messages
from aloft.label_store.domain import verdicts
from aloft.label_store.domain.batches import Outcome, ReleaseReason, trains
from aloft.label_store.store.campaigns import Campaign
from aloft.label_store.store.images import Image

_IMAGES = 500
"""Registrations that one event has room for, however long their keys are."""


def campaign_changed(tx: Transaction, campaign: Campaign) -> None:
    """Say how a campaign is now."""
    event = events.CampaignChanged(campaign=messages.campaign(campaign))
    outbox.emit(tx, campaign.id, event, subject=names.CAMPAIGN.format(campaign.id))


def images_registered(tx: Transaction, campaign: str, registered: Sequence[Image]) -> None:
    """Say that images are in another split now."""
    for start in range(0, len(registered), _IMAGES):
        part = registered[start : start + _IMAGES]
        event = events.ImageRegistered(campaign=campaign, images=map(messages.registered, part))
        outbox.emit(tx, campaign, event, subject=names.CAMPAIGN.format(campaign))


def labels_committed(tx: Transaction, campaign: Campaign, labelled: Sequence[Image]) -> None:
    """Say the label sets that make a revision."""
    event = events.LabelsCommitted(
        campaign=campaign.id,
        label_revision=campaign.label_revision,
        taxonomy_version=campaign.spec.taxonomy.version,
        label_sets=[
            events.CommittedLabelSet(
                image=image.id,
                version=image.label_set_version,
                split=campaign_pb2.Split.ValueType(image.split),
                verdicts=verdicts.messages(image.verdicts or {}),
            )
            for image in labelled
        ],
    )
    outbox.emit(tx, campaign.id, event, subject=names.CAMPAIGN.format(campaign.id))


def batch_closed(
    tx: Transaction, campaign: Campaign, number: int, reason: str, outcomes: Mapping[Outcome, Sequence[str]]
) -> None:
    """Say that a batch is closed, what became of its images, and the revision that holds its labels."""
    event = events.BatchClosed(
        campaign=campaign.id,
        batch=number,
        label_revision=campaign.label_revision,
        reason=reason,
        accepted=sorted(image for ids in outcomes.values() for image in ids),
        labelled=outcomes.get(Outcome.LABELLED, ()),
        skipped=outcomes.get(Outcome.SKIPPED, ()),
        superseded=outcomes.get(Outcome.SUPERSEDED, ()),
        outstanding=outcomes.get(Outcome.OUTSTANDING, ()),
        train=trains(number, reason, len(outcomes.get(Outcome.LABELLED, ()))),
    )
    outbox.emit(tx, campaign.id, event, subject=names.BATCH.format(campaign.id, number))


def images_released(
    tx: Transaction, campaign: str, number: int, images: Sequence[str], reason: ReleaseReason
) -> None:
    """Say that images left a batch without a label."""
    if images:
        event = events.ImageReleased(campaign=campaign, batch=number, images=images, reason=reason)
        outbox.emit(tx, campaign, event, subject=names.BATCH.format(campaign, number))
