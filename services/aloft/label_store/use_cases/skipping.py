"""Images that leave a batch for good: a vendor cannot label them, or nobody can read them."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

from aloft.api.events.v1 import events_pb2 as events
from aloft.api.labels.v1 import labelling_service_pb2 as service
from aloft.kit import names
from aloft.kit.bus.context import NotYet, Poison
from aloft.kit.database import Transaction
from aloft.kit.errors import InvalidArgument
from aloft.label_store import messages
from aloft.label_store.domain import texts
from aloft.label_store.store import campaigns, images, tasks
from aloft.label_store.store.campaigns import Campaign
from aloft.label_store.store.tasks import SKIPPED, Task
from aloft.label_store.use_cases.closing import close_if_due, withdraw_quarantined
from aloft.label_store.use_cases.leases import held
from aloft.label_store.use_cases.settling import settle

REASON = 1000
"""Characters that a reason may have."""


def skip(tx: Transaction, vendor: str, request: service.SkipTaskRequest) -> service.Task:
    """Take a vendor's word that an image cannot be labelled: it does not get it again, others may."""
    campaign_id, task = names.TASK.parse(request.name)
    reason = request.reason.strip()
    if not 1 <= len(reason) <= REASON:
        raise InvalidArgument.of("reason", f"say in 1 to {REASON} characters why it cannot be labelled")
    texts.check(reason, "reason", REASON)
    if not request.lease:
        raise InvalidArgument.of("lease", "name the lease that came with the task")
    campaign = campaigns.lock(tx, campaign_id)
    found = tasks.lock(tx, campaign.id, tasks.siblings([task], campaign.spec.overlap))
    (mine,) = held(tx, campaign.id, found, vendor, {task: request.lease})
    _end(tx, campaign, found, {mine.id: reason})
    ended = tasks.lock(tx, campaign.id, [task])[task]
    return messages.task(ended, tx.now(), campaign.spec.taxonomy.version)


def _end(tx: Transaction, campaign: Campaign, found: Mapping[str, Task], reasons: Mapping[str, str]) -> None:
    """End tasks as skipped, each for a reason; `found` are all of their images."""
    by_reason: defaultdict[str, list[str]] = defaultdict(list)
    for task, reason in reasons.items():
        by_reason[reason].append(task)
    for reason, ids in by_reason.items():
        tasks.end(tx, campaign.id, ids, SKIPPED, skip_reason=reason)
    ended = [replace(task, state=SKIPPED) if task.id in reasons else task for task in found.values()]
    campaign = settle(tx, campaign, ended)
    close_if_due(tx, campaign, {found[task].batch for task in reasons})


def skip_unreadable(tx: Transaction, campaign_id: str, problems: Mapping[Task, tuple[str, str]]) -> None:
    """End leased tasks whose images cannot be had any more, each with a reason and a detail."""
    campaign = campaigns.lock(tx, campaign_id)
    wanted = tasks.siblings([task.id for task in problems], campaign.spec.overlap)
    found = tasks.lock(tx, campaign_id, wanted)
    reasons = {}
    for task, (reason, detail) in problems.items():
        now = found[task.id]
        if now.state == tasks.OPEN and now.lease == task.lease:
            images.change(tx, campaign_id, [task.image], quarantine_reason=reason, quarantine_detail=detail)
            reasons[task.id] = f"{reason}: {detail}"
    # Nobody's skip: the vendor that was about to get them has done nothing.
    tasks.give_up(tx, campaign_id, list(reasons))
    unheld = {task: replace(found[task], vendor="", lease="") for task in reasons}
    _end(tx, campaign, {**found, **unheld}, reasons)


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
    if image.batch is not None:
        withdraw_quarantined(tx, campaign, image.batch, image.id)
