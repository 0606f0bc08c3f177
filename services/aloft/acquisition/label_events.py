"""What is said of labels and of batches."""

from aloft.acquisition.domain.due import EMPTY
from aloft.acquisition.store import batches, campaigns, images
from aloft.acquisition.store.campaigns import Campaign
from aloft.acquisition.store.labels import LabelSet
from aloft.api.events.v1 import events_pb2 as events
from aloft.api.labels.v1 import campaign_pb2 as pb
from aloft.kit.bus.context import Context
from aloft.kit.database import Transaction

_HELD_OUT = (pb.SPLIT_VALIDATION, pb.SPLIT_TEST)
_EVALUATION = 0
"""The batch that is the label store's own: nothing of it was selected here."""


def labels_committed(tx: Transaction, campaign: Campaign, event: events.LabelsCommitted, _: Context) -> None:
    """Mark the images as labelled, keep which labels each has, and count the revision."""
    if campaigns.apply_revision(tx, campaign, event.label_revision) and images.label(
        tx, campaign.id, event.label_revision, [_label_set(each) for each in event.label_sets]
    ):
        campaigns.changed(tx, campaign.id)


def _label_set(said: events.CommittedLabelSet) -> LabelSet:
    return LabelSet(
        image=said.image,
        version=said.version,
        held_out=said.split in _HELD_OUT,
        positives=tuple(each.label for each in said.verdicts if each.verdict == pb.VERDICT_POSITIVE),
    )


def batch_closed(tx: Transaction, campaign: Campaign, event: events.BatchClosed, context: Context) -> None:
    """Close the batch. What nobody labelled, skipped or still holds is free again."""
    # Of the evaluation batch, too, the labels are applied before anything is selected next to them.
    campaigns.name_revision(tx, campaign, event.label_revision, event.batch if event.train else None)
    if event.batch == _EVALUATION:
        return
    if not batches.close(tx, campaign.id, event.batch, event.reason, context.time_us):
        return
    out = images.out_with(tx, campaign.id, event.batch)
    skipped = out.intersection(event.skipped)
    images.skip(tx, campaign.id, sorted(skipped))
    # Labelled ones stay marked until their label set is applied, so that nothing can select them in between.
    left = out.difference(event.labelled, event.outstanding, skipped)
    freed = images.free(tx, campaign.id, event.batch, left)
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
