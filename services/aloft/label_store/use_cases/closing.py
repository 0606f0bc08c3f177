"""How a batch ends, and a campaign with its last one."""

from collections.abc import Collection

from aloft.kit.database import Transaction
from aloft.label_store import announcing
from aloft.label_store.domain import budgets, stopping
from aloft.label_store.domain.batches import CloseReason, close_after_us, close_reason, left_by
from aloft.label_store.store import batches, campaigns, scores, task_counts, tasks
from aloft.label_store.store.campaigns import EVALUATION, STOPPED, Campaign
from aloft.label_store.store.tasks import Task, task_ids
from aloft.label_store.use_cases.changing import turn
from aloft.label_store.use_cases.settling import settle


def close(tx: Transaction, campaign: Campaign, number: int, reason: CloseReason) -> Campaign:
    """Close a batch: what was annotated or is leased goes on, all else leaves. The campaign is locked."""
    unfinished = batches.unfinished(tx, campaign.id, number)
    batches.close(tx, campaign.id, number, reason)
    closed = {"evaluating": False} if number == EVALUATION else {"open_batch": None}
    campaign = campaigns.update(tx, campaign.id, **closed)
    campaign = settle(
        tx, campaign, _lock(tx, campaign, {number: unfinished}), left_by(reason), closing=reason
    )
    announcing.batch_closed(tx, campaign, number, reason, batches.outcomes(tx, campaign.id, number))
    return stop_if_spent(tx, campaign)


def close_if_due(tx: Transaction, campaign: Campaign, touched: Collection[int]) -> Campaign:
    """Close what is open and has ended far enough; `touched` are the batches of what ended just now."""
    for number in sorted(touched):
        if number not in campaign.open_batches:
            continue
        batch = batches.find(tx, campaign.id, number)
        assert batch is not None, f"campaign {campaign.id} names an open batch {number} that is not there"
        ended = batch.labelled_images + batch.skipped_images
        reason = close_reason(campaign.spec.batch_policy, batch.accepted_images, ended)
        if reason is not None:
            campaign = close(tx, campaign, number, reason)
    return stop_if_spent(tx, campaign)


def close_overdue(tx: Transaction, campaign: Campaign) -> Campaign:
    """Close the open batches whose time has passed. The campaign is locked."""
    for number in batches.overdue(tx, campaign.id):
        if number in campaign.open_batches:
            campaign = close(tx, campaign, number, CloseReason.CLOSE_AFTER)
    return campaign


def close_by_policy(tx: Transaction, campaign: Campaign) -> Campaign:
    """Have a batch policy that was changed hold for what is open, and close what is due by it."""
    batches.reschedule(tx, campaign.id, close_after_us(campaign.spec.batch_policy))
    return close_overdue(tx, close_if_due(tx, campaign, campaign.open_batches))


def stop_if_spent(tx: Transaction, campaign: Campaign) -> Campaign:
    """Stop a campaign whose budget is spent, once its last batch is closed."""
    if campaign.open_batch is not None or campaign.state == STOPPED:
        return campaign
    spec = campaign.spec
    out = task_counts.in_flight(tx, campaign.id) if spec.budget.annotations else budgets.InFlight()
    reason = budgets.stop_reason(spec.budget, campaign.spent, out, spec.overlap)
    return stop(tx, campaign, reason) if reason else campaign


def stop_by_score(tx: Transaction, campaign: Campaign) -> Campaign:
    """Stop a campaign whose versions reached its target, or get no better."""
    if campaign.state == STOPPED or not campaign.spec.HasField("stop_rules"):
        return campaign
    reason = stopping.stop_reason(campaign.spec.stop_rules, scores.every(tx, campaign.id))
    return stop(tx, campaign, reason) if reason else campaign


def stop(tx: Transaction, campaign: Campaign, reason: str, by: str = "") -> Campaign:
    """Stop a campaign for good: what is open closes, and what was annotated in part is labelled by that."""
    campaign = turn(tx, campaign, STOPPED, reason, by)
    for number in campaign.open_batches:
        campaign = close(tx, campaign, number, CloseReason.CAMPAIGN_STOPPED)
    return settle(tx, campaign, _lock(tx, campaign, task_counts.images_out(tx, campaign.id)))


def _lock(tx: Transaction, campaign: Campaign, images: dict[int, list[str]]) -> Collection[Task]:
    """Lock and read every task of these images, by the batch that they are in."""
    overlap = campaign.spec.overlap
    places = sorted((image, number) for number, ids in images.items() for image in ids)
    ids = [task for image, number in places for task in task_ids(number, image, overlap)]
    return tasks.lock(tx, campaign.id, ids).values()


def withdraw_quarantined(tx: Transaction, campaign: Campaign, number: int, image: str) -> Campaign:
    """Send a quarantined image out no more. A lease on it is honoured, but is the last."""
    campaign = settle(tx, campaign, _lock(tx, campaign, {number: [image]}))
    return close_if_due(tx, campaign, {number})
