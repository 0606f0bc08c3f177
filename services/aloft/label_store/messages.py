"""Rows as the messages of the contracts."""

from google.protobuf.timestamp_pb2 import Timestamp

from aloft.api.events.v1 import events_pb2 as events
from aloft.api.labels.v1 import (
    batch_service_pb2,
    campaign_pb2,
    image_service_pb2,
    labelling_service_pb2,
    vendor_service_pb2,
)
from aloft.kit import names
from aloft.kit.rpc.etags import etag
from aloft.label_store.domain import verdicts
from aloft.label_store.store.batches import Batch
from aloft.label_store.store.campaigns import Campaign
from aloft.label_store.store.images import Image
from aloft.label_store.store.keys import Key
from aloft.label_store.store.tasks import Task
from aloft.label_store.store.vendors import Vendor

_STATES = {
    "paused": campaign_pb2.Campaign.STATE_PAUSED,
    "running": campaign_pb2.Campaign.STATE_RUNNING,
    "stopped": campaign_pb2.Campaign.STATE_STOPPED,
}
_TASK_STATES = {
    "done": labelling_service_pb2.Task.STATE_DONE,
    "skipped": labelling_service_pb2.Task.STATE_SKIPPED,
    "withdrawn": labelling_service_pb2.Task.STATE_WITHDRAWN,
}


def timestamp(time_us: int | None) -> Timestamp | None:
    """Write a time."""
    if time_us is None:
        return None
    written = Timestamp()
    written.FromMicroseconds(time_us)
    return written


def etag_of(campaign: Campaign) -> str:
    """Make the etag of a campaign, which changes with its version."""
    return etag("campaign", campaign.id, campaign.version)


def campaign(row: Campaign) -> campaign_pb2.Campaign:
    """Write a campaign."""
    message = campaign_pb2.Campaign()
    message.CopyFrom(row.spec)
    message.name = names.CAMPAIGN.format(row.id)
    message.state = _STATES[row.state]
    message.state_reason = row.state_reason
    message.version = row.version
    message.label_revision = row.label_revision
    message.etag = etag_of(row)
    message.create_time.FromMicroseconds(row.created_us)
    message.update_time.FromMicroseconds(row.updated_us)
    return message


def registered(row: Image) -> events.RegisteredImage:
    """Write what an event says of an image."""
    return events.RegisteredImage(
        image=row.id,
        key=row.key,
        object_etag=row.object_etag,
        size=row.size,
        split=campaign_pb2.Split.ValueType(row.split),
        version=row.version,
    )


def image(row: Image) -> image_service_pb2.Image:
    """Write an image."""
    quarantined = bool(row.quarantine_reason)
    states = image_service_pb2.Image
    message = image_service_pb2.Image(
        name=names.IMAGE.format(row.campaign, row.id),
        key=row.key,
        object_etag=row.object_etag,
        size=row.size,
        split=campaign_pb2.Split.ValueType(row.split),
        state=states.STATE_QUARANTINED if quarantined else states.STATE_REGISTERED,
        state_reason=": ".join(part for part in (row.quarantine_reason, row.quarantine_detail) if part),
        version=row.version,
        batch="" if row.batch is None else names.BATCH.format(row.campaign, row.batch),
        create_time=timestamp(row.created_us),
    )
    if row.label_set_version:
        message.label_set.version = row.label_set_version
        message.label_set.label_revision = row.label_revision
        message.label_set.verdicts.extend(verdicts.messages(row.verdicts or {}))
    return message


def batch(row: Batch) -> batch_service_pb2.Batch:
    """Write a batch."""
    states = batch_service_pb2.Batch
    return batch_service_pb2.Batch(
        name=names.BATCH.format(row.campaign, row.number),
        state=states.STATE_CLOSED if row.close_reason else states.STATE_OPEN,
        close_reason=row.close_reason,
        model_version=row.model_version,
        ranking=row.ranking,
        strategy=row.strategy,
        selected_images=row.selected_images,
        accepted_images=row.accepted_images,
        labelled_images=row.labelled_images,
        skipped_images=row.skipped_images,
        superseded_images=row.superseded_images,
        create_time=timestamp(row.created_us),
        close_time=timestamp(row.closed_us),
    )


def task(row: Task, now: int, taxonomy_version: int, url: str = "") -> labelling_service_pb2.Task:
    """Write a task as its holder sees it at that time."""
    states = labelling_service_pb2.Task
    leased = row.leased(now)
    message = labelling_service_pb2.Task(
        name=names.TASK.format(row.campaign, row.id),
        state=_TASK_STATES.get(row.state, states.STATE_LEASED if leased else states.STATE_OPEN),
        image=names.IMAGE.format(row.campaign, row.image),
        image_url=url,
        lease=row.lease if leased else "",
        taxonomy_version=taxonomy_version,
    )
    if leased:
        message.expires_in.FromMicroseconds(row.lease_until_us - now)
    return message


def vendor(row: Vendor) -> vendor_service_pb2.Vendor:
    """Write a vendor."""
    return vendor_service_pb2.Vendor(
        name=names.VENDOR.format(row.id),
        display_name=row.display_name,
        campaigns=[names.CAMPAIGN.format(one) for one in row.campaigns],
        max_leases=row.max_leases,
        create_time=timestamp(row.created_us),
    )


def key(row: Key, secret: str = "") -> vendor_service_pb2.ApiKey:
    """Write a key; its secret only when it was just made."""
    return vendor_service_pb2.ApiKey(
        name=names.API_KEY.format(row.id),
        principal=row.principal,
        secret=secret,
        create_time=timestamp(row.created_us),
        expire_time=timestamp(row.expire_us),
    )
