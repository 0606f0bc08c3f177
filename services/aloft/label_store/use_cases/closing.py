"""How a batch ends, and how an image leaves one without a label."""

from collections import defaultdict
from collections.abc import Collection, Sequence

from aloft.kit.database import Transaction
from aloft.label_store import announcing
from aloft.label_store.domain.batches import CloseReason, Outcome, ReleaseReason, close_reason
from aloft.label_store.store import batches, campaigns, images, tasks
from aloft.label_store.store.campaigns import Campaign
from aloft.label_store.store.tasks import WITHDRAWN, Task
from aloft.label_store.use_cases.campaigns import stop_if_spent


def close(tx: Transaction, campaign: Campaign, number: int, reason: CloseReason) -> Campaign:
    """Close the open batch: who holds a task keeps it, all else leaves. The campaign's row is locked."""
    superseded = reason is CloseReason.SUPERSEDED
    untouched = _part(tx, campaign.id, number, Outcome.SUPERSEDED if superseded else Outcome.RELEASED)
    batches.close(tx, campaign.id, number, reason)
    campaign = campaigns.update(tx, campaign.id, open_batch=None)
    announcing.batch_closed(tx, campaign, number, reason, batches.outcomes(tx, campaign.id, number))
    why = ReleaseReason.SUPERSEDED if superseded else ReleaseReason.BATCH_CLOSED
    announcing.images_released(tx, campaign.id, number, untouched, why)
    return stop_if_spent(tx, campaign)


def _part(tx: Transaction, campaign: str, number: int, outcome: Outcome) -> Sequence[str]:
    """Give every open task of a batch its outcome; say which images nobody had touched."""
    still_open = tasks.lock_open(tx, campaign, number)
    now = tx.now()
    held = [task for task in still_open if task.leased(now)]
    tasks.change(tx, campaign, [task.id for task in held], final=True)
    batches.settle(tx, campaign, {number: [task.image for task in held]}, Outcome.OUTSTANDING)
    untouched = [task for task in still_open if not task.leased(now)]
    withdraw(tx, campaign, untouched, outcome)
    return [task.image for task in untouched]


def close_if_due(tx: Transaction, campaign: Campaign, touched: Collection[int]) -> Campaign:
    """Close the open batch if enough of it has ended; `touched` are the batches of what ended just now."""
    number = campaign.open_batch
    if number is not None and number in touched:
        batch = batches.find(tx, campaign.id, number)
        assert batch is not None, f"campaign {campaign.id} names an open batch {number} that is not there"
        ended = batch.labelled_images + batch.skipped_images
        reason = close_reason(campaign.spec.batch_policy, batch.accepted_images, ended)
        if reason is not None:
            return close(tx, campaign, number, reason)
    return stop_if_spent(tx, campaign)


def withdraw(tx: Transaction, campaign: str, untouched: Sequence[Task], outcome: Outcome) -> None:
    """Take images out of their batches without a label. The event is the caller's, who knows the reason."""
    tasks.note_expired(tx, untouched)
    tasks.end(tx, campaign, [task.id for task in untouched], WITHDRAWN)
    images.change(tx, campaign, [task.image for task in untouched], batch=None)
    batches.settle(tx, campaign, images_by_batch(untouched), outcome)


def retire(tx: Transaction, campaign: Campaign, over: Sequence[Task], reason: ReleaseReason) -> Campaign:
    """End tasks that had their last lease: in a closed batch their images are released, in an open one spent.

    A last lease in an open batch means that the image was quarantined meanwhile.
    """
    spent = [task for task in over if task.batch == campaign.open_batch]
    left = [task for task in over if task.batch != campaign.open_batch]
    withdraw(tx, campaign.id, spent, Outcome.SKIPPED)
    withdraw(tx, campaign.id, left, Outcome.RELEASED)
    for number, ids in sorted(images_by_batch(left).items()):
        announcing.images_released(tx, campaign.id, number, ids, reason)
    return close_if_due(tx, campaign, {task.batch for task in spent})


def images_by_batch(some: Sequence[Task]) -> dict[int, list[str]]:
    """Sort the images of tasks by the batch that they are in."""
    by_batch: defaultdict[int, list[str]] = defaultdict(list)
    for task in some:
        by_batch[task.batch].append(task.image)
    return dict(by_batch)
