"""Lease tasks: free ones go to the vendor in one short transaction that waits for no other lease; then their
images are made readable, and the answer gets its URLs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from aloft.api.labels.v1 import labelling_service_pb2 as service
from aloft.kit import names
from aloft.kit.clock import SECOND
from aloft.kit.database import Transaction, Transactions
from aloft.kit.errors import InvalidArgument, ResourceExhausted
from aloft.kit.ids import random_id
from aloft.kit.rpc.call import Call
from aloft.kit.rpc.requests import amend, once
from aloft.label_store import messages
from aloft.label_store.copies import Copies, Unreadable
from aloft.label_store.domain import texts
from aloft.label_store.store import campaigns, free_tasks, images, task_counts, tasks, vendors
from aloft.label_store.store.campaigns import RUNNING, Campaign
from aloft.label_store.store.free_tasks import Asker
from aloft.label_store.store.images import Image
from aloft.label_store.store.tasks import DONE, OPEN, Task
from aloft.label_store.use_cases.leases import duration_us, extend
from aloft.label_store.use_cases.skipping import skip_unreadable

MOST, USUAL = 100, 10


@dataclass(frozen=True, slots=True)
class _Leased:
    """Tasks with their images, as they were at a time."""

    now: int
    pairs: Sequence[tuple[Task, Image]]
    taxonomy_version: int


class Leasing:
    """Gives leases out and keeps them, with a URL in every answer."""

    def __init__(self, database: Transactions, copies: Copies) -> None:
        self._database = database
        self._copies = copies

    def lease(
        self, call: Call, vendor: str, request: service.LeaseTasksRequest
    ) -> service.LeaseTasksResponse:
        """Give free tasks to a vendor. A repeat answers with the same tasks, as they are now."""
        limit, for_us = _limit(request), duration_us(request)
        with self._database.transaction() as tx:
            campaign = campaigns.get(tx, names.campaign_of(request.parent))
            taken = once(
                tx,
                call.principal,
                "LeaseTasks",
                request.request_id,
                request,
                service.LeaseTasksResponse,
                lambda: _take(tx, campaign, Asker(vendor, request.annotator), limit, for_us),
            )
            leased = _look(tx, campaign, _leases(taken))
        answer = list(self._answer(leased))
        while leased.pairs and not answer:
            # All of them were unreadable, and are out of the way now: an empty answer is to say that no more
            # are free.
            call.check()
            with self._database.transaction() as tx:
                campaign = campaigns.get(tx, campaign.id)
                taken = _take(tx, campaign, Asker(vendor, request.annotator), limit, for_us)
                amend(tx, call.principal, request.request_id, taken)
                leased = _look(tx, campaign, _leases(taken))
            answer = list(self._answer(leased))
        return service.LeaseTasksResponse(tasks=answer)

    def extend(self, vendor: str, request: service.ExtendLeasesRequest) -> service.ExtendLeasesResponse:
        """Let leases run for longer, all or none, with URLs that last as long."""
        with self._database.transaction() as tx:
            campaign = campaigns.get(tx, names.campaign_of(request.parent))
            leased = _look(tx, campaign, extend(tx, campaign.id, vendor, request))
        return service.ExtendLeasesResponse(tasks=self._answer(leased))

    def _answer(self, leased: _Leased) -> Iterator[service.Task]:
        readable = self._readable(leased.pairs, leased.now)
        for task, image in leased.pairs:
            if task.leased(leased.now) and image.id in readable:
                url = self._copies.url(image, (task.lease_until_us - leased.now) / SECOND)
                yield messages.task(task, leased.now, leased.taxonomy_version, url)
            elif image.id in readable:
                yield messages.task(task, leased.now, leased.taxonomy_version)

    def _readable(self, pairs: Sequence[tuple[Task, Image]], now: int) -> set[str]:
        """Copy the images that have no copy yet; end the tasks of those that cannot be read."""
        copied: list[Image] = []
        problems: dict[Task, tuple[str, str]] = {}
        for task, image in pairs:
            if image.copied_version == image.version or not task.leased(now):
                continue
            try:
                self._copies.make(image)
                copied.append(image)
            except Unreadable as unreadable:
                problems[task] = (unreadable.reason, unreadable.detail)
        if copied:
            with self._database.transaction() as tx:
                images.note_copied(tx, copied)
        if problems:
            with self._database.transaction() as tx:
                skip_unreadable(tx, pairs[0][0].campaign, problems)
        lost = {task.image for task in problems}
        lost |= {
            image.id
            for task, image in pairs
            if image.quarantine_reason and task.state != DONE and not task.leased(now)
        }
        return {image.id for _, image in pairs} - lost


def _limit(request: service.LeaseTasksRequest) -> int:
    if not 0 <= request.max_tasks <= MOST:
        raise InvalidArgument.of(
            "max_tasks", f"must be 1 to {MOST}, not {request.max_tasks}; 0 means {USUAL}"
        )
    texts.check(request.annotator, "annotator")
    return request.max_tasks or USUAL


def _take(
    tx: Transaction, campaign: Campaign, asker: Asker, limit: int, for_us: int
) -> service.LeaseTasksResponse:
    if campaign.state != RUNNING:
        return service.LeaseTasksResponse()
    limit = min(limit, _quota_left(tx, asker.vendor))
    free = free_tasks.free(tx, campaign.id, limit, campaign.spec.overlap, asker)
    lease = random_id()
    if free:
        tasks.note_expired(tx, free)
        tasks.take(tx, free, asker.vendor, asker.annotator, lease, tx.now() + for_us)
    return service.LeaseTasksResponse(
        tasks=[service.Task(name=names.TASK.format(campaign.id, task.id), lease=lease) for task in free]
    )


def _leases(taken: service.LeaseTasksResponse) -> dict[str, str]:
    return {names.TASK.parse(one.name)[1]: one.lease for one in taken.tasks}


def _look(tx: Transaction, campaign: Campaign, leases: Mapping[str, str]) -> _Leased:
    """Read tasks as whoever got these leases may see them: of another's claim it learns nothing."""
    found = tasks.some(tx, campaign.id, list(leases))
    of = images.some(tx, campaign.id, [task.image for task in found.values()])
    mine = [
        task if task.lease == lease else replace(task, state=OPEN, lease=lease, lease_until_us=0)
        for task, lease in ((found[name], lease) for name, lease in leases.items())
    ]
    return _Leased(tx.now(), [(task, of[task.image]) for task in mine], campaign.spec.taxonomy.version)


def _quota_left(tx: Transaction, vendor: str) -> int:
    most = vendors.lock_quota(tx, vendor)
    held = task_counts.count_held(tx, vendor)
    if held < most:
        return most - held
    first = task_counts.first_expiry(tx, vendor)
    now = tx.now()
    wait_s = max(1.0, ((first or now) - now) / SECOND)
    raise ResourceExhausted(
        "MAX_LEASES",
        f"vendors/{vendor} holds {held} tasks, which is all it may: hand in or give back some first",
        wait_s,
        max_leases=str(most),
    )
