"""Images that leave a batch for good: a vendor cannot label them, or nobody can read them."""

from collections.abc import Mapping

from aloft.api.events.v1 import events_pb2 as events
from aloft.api.labels.v1 import labelling_service_pb2 as service
from aloft.kit import names
from aloft.kit.bus.context import NotYet, Poison
from aloft.kit.database import Transaction
from aloft.kit.errors import InvalidArgument
from aloft.label_store import announcing, messages
from aloft.label_store.domain.batches import Outcome, ReleaseReason
from aloft.label_store.store import batches, campaigns, images, tasks
from aloft.label_store.store.campaigns import Campaign
from aloft.label_store.store.tasks import SKIPPED, Task, task_id
from aloft.label_store.use_cases.closing import close_if_due, retire
from aloft.label_store.use_cases.leases import held

REASON = 1000
"""Characters that a reason may have."""


def skip(tx: Transaction, vendor: str, request: service.SkipTaskRequest) -> service.Task:
    """Take a vendor's word that an image cannot be labelled: it is not sent out again in this campaign."""
    campaign_id, task = names.TASK.parse(request.name)
    if not 1 <= len(request.reason.strip()) <= REASON:
        raise InvalidArgument.of("reason", f"say in 1 to {REASON} characters why it cannot be labelled")
    campaign = campaigns.lock(tx, campaign_id)
    found = held(tx, campaign.id, vendor, {task: request.lease})[task]
    images.change(tx, campaign.id, [found.image], skipped=True)
    _leave(tx, campaign, found, request.reason.strip())
    ended = tasks.lock(tx, campaign.id, [task])[task]
    return messages.task(ended, tx.now(), campaign.spec.taxonomy.version)


def _leave(tx: Transaction, campaign: Campaign, task: Task, reason: str) -> None:
    tasks.end(tx, campaign.id, [task.id], SKIPPED, skip_reason=reason)
    images.change(tx, campaign.id, [task.image], batch=None)
    batches.settle(tx, campaign.id, {task.batch: [task.image]}, Outcome.SKIPPED)
    if task.batch != campaign.open_batch:
        # The batch's closing named it as outstanding: whoever waits for it must hear that it ended.
        announcing.images_released(tx, campaign.id, task.batch, [task.image], ReleaseReason.SKIPPED)
    close_if_due(tx, campaign, {task.batch})


def skip_unreadable(tx: Transaction, campaign_id: str, problems: Mapping[Task, tuple[str, str]]) -> None:
    """End leased tasks whose images cannot be had any more, each with a reason and a detail."""
    campaign = campaigns.lock(tx, campaign_id)
    found = tasks.lock(tx, campaign_id, [task.id for task in problems])
    for task, (reason, detail) in problems.items():
        now = found[task.id]
        if now.state == tasks.OPEN and now.lease == task.lease:
            images.change(tx, campaign_id, [task.image], quarantine_reason=reason, quarantine_detail=detail)
            _leave(tx, campaign, now, f"{reason}: {detail}")
            campaign = campaigns.get(tx, campaign_id)


def quarantine(tx: Transaction, event: events.ImageQuarantined) -> None:
    """Take embedding's word that an image cannot be used; a lease on it is honoured, but is the last."""
    campaign = campaigns.find(tx, event.campaign, lock=True)
    if campaign is None:
        raise NotYet(f"campaigns/{event.campaign} is not known here")
    image = images.find(tx, campaign.id, event.image)
    if image is None:
        raise Poison(f"campaigns/{campaign.id} has no image {event.image}")
    if event.image_version != image.version or image.quarantine_reason:
        return
    reason = event.reason or "UNREADABLE"
    images.change(tx, campaign.id, [image.id], quarantine_reason=reason, quarantine_detail=event.detail)
    if image.batch is None:
        return
    task = tasks.lock(tx, campaign.id, [task_id(image.batch, image.id)])[task_id(image.batch, image.id)]
    if task.leased(tx.now()):
        tasks.change(tx, campaign.id, [task.id], final=True)
    else:
        retire(tx, campaign, [task], ReleaseReason.LEASE_EXPIRED)
