"""What a vendor does with the tasks that it holds, beside labelling them: extend, give back."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from aloft.api.labels.v1 import labelling_service_pb2 as service
from aloft.kit import names
from aloft.kit.clock import SECOND
from aloft.kit.database import Transaction
from aloft.kit.errors import FailedPrecondition, FieldViolation, InvalidArgument
from aloft.label_store.domain.batches import ReleaseReason, left_by
from aloft.label_store.store import batches, campaigns, tasks
from aloft.label_store.store.tasks import Task
from aloft.label_store.use_cases.closing import close_if_due
from aloft.label_store.use_cases.settling import settle

SHORTEST_S, LONGEST_S, USUAL_S = 10, 24 * 3600, 15 * 60
AT_ONCE = 1000
"""Tasks that one call may name."""
NAMED = 5
"""Tasks that an error names: it has to fit into the trailers of an answer."""


def duration_us(request: service.LeaseTasksRequest | service.ExtendLeasesRequest) -> int:
    """Read how long a lease is asked for, or say what is allowed."""
    if not request.HasField("lease_duration"):
        return USUAL_S * SECOND
    asked = request.lease_duration.ToMicroseconds()
    if not SHORTEST_S * SECOND <= asked <= LONGEST_S * SECOND:
        text = f"must be {SHORTEST_S} s to 24 h, not {asked / SECOND:g} s; leave it out for 15 minutes"
        raise InvalidArgument.of("lease_duration", text)
    return asked


def named(campaign: str, claims: Sequence[tuple[str, str]], field: str) -> dict[str, str]:
    """Read which tasks a call names and under which lease each: all of the campaign, none twice."""
    if not 1 <= len(claims) <= AT_ONCE:
        raise InvalidArgument.of(field, f"give 1 to {AT_ONCE}, not {len(claims)}")
    leases: dict[str, str] = {}
    wrong: list[FieldViolation] = []
    for index, (name, lease) in enumerate(claims):
        at = f"{field}[{index}]"
        of, task = names.TASK.parse(name, f"{at}.task")
        if of != campaign:
            wrong.append(FieldViolation(f"{at}.task", f"{name} is not of campaigns/{campaign}"))
        elif task in leases:
            wrong.append(FieldViolation(f"{at}.task", f"{name} is named twice"))
        if not lease:
            wrong.append(FieldViolation(f"{at}.lease", "name the lease that came with the task"))
        leases[task] = lease
    if wrong:
        message = "; ".join(f"{violation.field}: {violation.description}" for violation in wrong)
        raise InvalidArgument("INVALID_FIELD", message, tuple(wrong))
    return leases


def held(
    tx: Transaction, campaign: str, found: Mapping[str, Task], vendor: str, leases: Mapping[str, str]
) -> list[Task]:
    """Pick the tasks of these leases if the vendor holds every one, or raise an error that names the others.

    It is `LEASE_EXPIRED`, or `ALREADY_SUBMITTED` where all others were labelled by the vendor under these
    leases. What was found is locked.
    """
    now = tx.now()
    lost = [
        task
        for task, lease in leases.items()
        if task not in found or not found[task].held_by(vendor, lease, now)
    ]
    if not lost:
        return [found[task] for task in leases]
    if all(task in found and found[task].done_by(vendor, leases[task]) for task in lost):
        reason, why = "ALREADY_SUBMITTED", "these you have handed in, and they are stored: leave them out"
    else:
        lost = [task for task in lost if task not in found or not found[task].done_by(vendor, leases[task])]
        reason, why = "LEASE_EXPIRED", "these are not leased to you any more: lease again"
    said = [names.TASK.format(campaign, task) for task in lost[:NAMED]]
    more = f" and {len(lost) - NAMED} more" if len(lost) > NAMED else ""
    message = f"{why}; nothing was changed: {', '.join(said)}{more}"
    raise FailedPrecondition(reason, message, tasks=",".join(said))


def extend(
    tx: Transaction, campaign: str, vendor: str, request: service.ExtendLeasesRequest
) -> dict[str, str]:
    """Let leases run from now for the duration asked or for as long as they do, all or none.

    Says each task's lease.
    """
    for_us = duration_us(request)
    leases = named(campaign, [(one.task, one.lease) for one in request.leases], "leases")
    held(tx, campaign, tasks.lock(tx, campaign, list(leases)), vendor, leases)
    tasks.keep_until(tx, campaign, list(leases), tx.now() + for_us)
    return leases


def give_back(tx: Transaction, vendor: str, request: service.ReleaseTasksRequest) -> None:
    """End leases early. What the vendor does not hold any more it need not give back."""
    campaign = campaigns.lock(tx, names.campaign_of(request.parent))
    leases = named(campaign.id, [(one.task, one.lease) for one in request.leases], "leases")
    found = tasks.lock(tx, campaign.id, tasks.siblings(leases, campaign.spec.overlap))
    now = tx.now()
    mine = [one for one in leases if one in found and found[one].held_by(vendor, leases[one], now)]
    tasks.give_up(tx, campaign.id, mine)
    last = {found[one].image for one in mine if found[one].final}
    free = [replace(one, lease_until_us=0, lease="") if one.id in mine else one for one in found.values()]
    touched = [task for task in free if task.image in last]
    for reason, some in _by_reason(tx, campaign.id, touched).items():
        campaign = settle(tx, campaign, some, reason)
    close_if_due(tx, campaign, {task.batch for task in touched})


def _by_reason(tx: Transaction, campaign: str, last: Sequence[Task]) -> dict[ReleaseReason, list[Task]]:
    by_reason: dict[ReleaseReason, list[Task]] = {}
    closed: dict[int, ReleaseReason] = {}
    for task in last:
        if task.batch not in closed:
            batch = batches.find(tx, campaign, task.batch)
            closed[task.batch] = left_by("" if batch is None else batch.close_reason)
        by_reason.setdefault(closed[task.batch], []).append(task)
    return by_reason
