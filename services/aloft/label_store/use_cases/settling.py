"""What becomes of images when something became of their tasks: a label set, a skip, or a way out."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from aloft.kit.database import Transaction
from aloft.label_store import announcing
from aloft.label_store.domain import standings, verdicts
from aloft.label_store.domain.batches import CloseReason, Outcome, ReleaseReason
from aloft.label_store.domain.standings import Standing, Tally
from aloft.label_store.store import annotations, batches, images, tasks, vendors
from aloft.label_store.store.campaigns import EVALUATION, STOPPED, Campaign
from aloft.label_store.store.images import Image
from aloft.label_store.store.tasks import DONE, OPEN, SKIPPED, WITHDRAWN, Task
from aloft.label_store.use_cases.committing import commit


@dataclass(frozen=True, slots=True)
class _Case:
    """One image that is out with a batch: its tasks, and what they come to."""

    batch: int
    image: Image
    tasks: Sequence[Task]
    standing: Standing
    goes_on: bool

    @property
    def open_tasks(self) -> list[Task]:
        return [task for task in self.tasks if task.state == OPEN]


def settle(
    tx: Transaction,
    campaign: Campaign,
    found: Iterable[Task],
    reason: ReleaseReason = ReleaseReason.LEASE_EXPIRED,
    closing: CloseReason | None = None,
) -> Campaign:
    """Give every image of these tasks its due: now that their batch is `closing`, or for another reason.

    The campaign's row is locked, and so are the tasks: all of each image, as they are now.
    """
    cases = _cases(tx, campaign, [task for task in found if task.state != WITHDRAWN])
    by_standing: defaultdict[Standing, list[_Case]] = defaultdict(list)
    for case in cases:
        by_standing[case.standing].append(case)
    _await(tx, campaign, by_standing[Standing.AWAITED])
    _withdraw(tx, campaign, [case for case in cases if case.standing is not Standing.AWAITED])
    _skip(tx, campaign, by_standing[Standing.SKIPPED], closing)
    _leave(tx, campaign, by_standing[Standing.LEFT], reason, closing)
    return _label(tx, campaign, by_standing[Standing.LABELLED])


def _cases(tx: Transaction, campaign: Campaign, found: Sequence[Task]) -> list[_Case]:
    of = images.some(tx, campaign.id, sorted({task.image for task in found}))
    everybody = vendors.of_campaign(tx, campaign.id) if any(one.state == SKIPPED for one in found) else None
    now = tx.now()
    by_image: defaultdict[tuple[str, int], list[Task]] = defaultdict(list)
    for task in found:
        by_image[task.image, task.batch].append(task)
    return [
        _case(campaign, batch, of[image], some, everybody, now)
        for (image, batch), some in sorted(by_image.items())
        if of[image].batch == batch
    ]


def _case(
    campaign: Campaign,
    batch: int,
    image: Image,
    some: Sequence[Task],
    everybody: frozenset[str] | None,
    now: int,
) -> _Case:
    skipped_by = {task.vendor for task in some if task.state == SKIPPED}
    nobody_left = everybody is not None and bool(skipped_by) and everybody <= skipped_by
    tally = Tally(
        open=sum(task.state == OPEN for task in some),
        leased=sum(task.leased(now) for task in some),
        done=sum(task.state == DONE for task in some),
        skipped=sum(task.state == SKIPPED for task in some),
    )
    goes_on = standings.goes_on(
        batch_is_open=batch in campaign.open_batches,
        annotated=tally.done > 0,
        ended=campaign.state == STOPPED or bool(image.quarantine_reason) or nobody_left,
    )
    return _Case(batch, image, some, standings.standing(tally, goes_on=goes_on), goes_on)


def _await(tx: Transaction, campaign: Campaign, cases: Sequence[_Case]) -> None:
    """Let the open tasks of images be leased anew, or not."""
    for final in (True, False):
        wrong = [
            task.id
            for case in cases
            for task in case.open_tasks
            if case.goes_on is not final and task.final is not final
        ]
        tasks.change(tx, campaign.id, wrong, final=final)
    outstanding = [case for case in cases if case.batch not in campaign.open_batches]
    batches.settle(tx, campaign.id, _by_batch(outstanding), Outcome.OUTSTANDING)


def _withdraw(tx: Transaction, campaign: Campaign, cases: Sequence[_Case]) -> None:
    never_leased_again = [task for case in cases for task in case.open_tasks]
    tasks.note_expired(tx, never_leased_again)
    tasks.end(tx, campaign.id, [task.id for task in never_leased_again], WITHDRAWN)
    unlabelled = [case.image.id for case in cases if case.standing is not Standing.LABELLED]
    images.change(tx, campaign.id, unlabelled, batch=None)


def _skip(tx: Transaction, campaign: Campaign, cases: Sequence[_Case], closing: CloseReason | None) -> None:
    # What is quarantined may be mended: it is its quarantine that keeps it in.
    sound = [case.image.id for case in cases if not case.image.quarantine_reason]
    images.change(tx, campaign.id, sound, skipped=True)
    batches.settle(tx, campaign.id, _by_batch(cases), Outcome.SKIPPED)
    if closing is None:
        # A closing named them as outstanding: whoever waits for one must hear that it ended.
        closed = [case for case in cases if case.batch not in campaign.open_batches]
        _release(tx, campaign, closed, ReleaseReason.SKIPPED)


def _leave(
    tx: Transaction,
    campaign: Campaign,
    cases: Sequence[_Case],
    reason: ReleaseReason,
    closing: CloseReason | None,
) -> None:
    # From an open batch only the quarantined leave; they count as ended, so that it can be complete.
    spent = [case for case in cases if case.batch in campaign.open_batches]
    batches.settle(tx, campaign.id, _by_batch(spent), Outcome.SKIPPED)
    released = [case for case in cases if case.batch not in campaign.open_batches]
    superseded = closing is CloseReason.SUPERSEDED
    became = Outcome.SUPERSEDED if superseded else Outcome.RELEASED
    batches.settle(tx, campaign.id, _by_batch(released), became)
    _release(tx, campaign, released, reason)


def _release(tx: Transaction, campaign: Campaign, cases: Sequence[_Case], reason: ReleaseReason) -> None:
    for number, ids in sorted(_by_batch(cases).items()):
        # Those of the evaluation batch are no part of the pool any more: nobody waits to select them again.
        if number != EVALUATION:
            announcing.images_released(tx, campaign.id, number, ids, reason)


def _label(tx: Transaction, campaign: Campaign, cases: Sequence[_Case]) -> Campaign:
    done = [task.id for case in cases for task in case.tasks if task.state == DONE]
    said = annotations.of_tasks(tx, campaign.id, done)
    labels = campaign.labels
    agreed = {image: verdicts.consensus(each, labels) for image, each in sorted(said.items())}
    batches.settle(tx, campaign.id, _by_batch(cases), Outcome.LABELLED)
    before = {case.image.id: case.image for case in cases}
    charged = {case.image.id for case in cases if case.batch != EVALUATION}
    return commit(tx, campaign, agreed, before, charged)


def _by_batch(cases: Iterable[_Case]) -> Mapping[int, list[str]]:
    by_batch: defaultdict[int, list[str]] = defaultdict(list)
    for case in cases:
        by_batch[case.batch].append(case.image.id)
    return by_batch
