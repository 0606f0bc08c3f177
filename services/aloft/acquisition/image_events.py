"""What is said of the images of a pool."""

from collections.abc import Iterable

from aloft.acquisition.store import campaigns, images
from aloft.acquisition.store.campaigns import Campaign
from aloft.api.events.v1 import events_pb2 as events
from aloft.api.labels.v1 import campaign_pb2 as pb
from aloft.kit.bus.attached import attached
from aloft.kit.bus.context import Context
from aloft.kit.database import Transaction
from aloft.kit.objects.port import Objects


def image_registered(
    tx: Transaction, campaign: Campaign, event: events.ImageRegistered, objects: Objects
) -> None:
    """Know what was registered anew: replaced in the bucket, or taken out of the pool into another split.

    An image that is new needs no row: it is selected once embedding has covered it.
    """
    anew = {
        each.image: (each.version, each.split == pb.SPLIT_POOL)
        for each in _registered(event, objects)
        if each.version > images.FIRST
    }
    if images.register(tx, campaign.id, anew):
        campaigns.changed(tx, campaign.id)


def image_quarantined(
    tx: Transaction, campaign: Campaign, event: events.ImageQuarantined, _: Context
) -> None:
    """Never select this version of the image again."""
    # A version that is not said is the first one.
    version = max(event.image_version, images.FIRST)
    if images.quarantine(tx, campaign.id, event.image, version):
        campaigns.changed(tx, campaign.id)


def _registered(event: events.ImageRegistered, objects: Objects) -> Iterable[events.RegisteredImage]:
    if not event.manifest_key:
        return event.images
    data = attached(objects, event.manifest_key, event.manifest_digest)
    return events.ImageRegistered.FromString(data).images
