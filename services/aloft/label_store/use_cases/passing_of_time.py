"""What time alone does to batches: last leases run out, and a batch closes after so long."""

import logging
from collections.abc import Sequence
from dataclasses import replace

from aloft.kit.database import Transaction, Transactions
from aloft.label_store.store import batches, campaigns, tasks
from aloft.label_store.store.campaigns import Campaign
from aloft.label_store.use_cases.closing import close_if_due, close_overdue
from aloft.label_store.use_cases.settling import settle

log = logging.getLogger(__name__)

CAMPAIGNS = 50
"""Campaigns dealt with in one step."""


class BatchCloser:
    """A step that closes the books of batches whose time has passed. No lease waits for it to be right."""

    name = "batches"

    def __init__(self, database: Transactions) -> None:
        self._database = database

    def step(self) -> bool:
        """Deal with every campaign that is due; one that fails does not hold up the others."""
        with self._database.read() as tx:
            overdue = batches.campaigns_with_overdue(tx, CAMPAIGNS)
            due = sorted({*overdue, *tasks.campaigns_with_over(tx, CAMPAIGNS)})
        failed: Exception | None = None
        for campaign in due:
            try:
                with self._database.transaction() as tx:
                    close_books(tx, campaign)
            except Exception as error:
                log.exception("the batches of campaigns/%s could not be closed", campaign)
                failed = error
        if failed is not None:
            raise failed
        return bool(due)


def close_books(tx: Transaction, campaign_id: str) -> None:
    """End tasks whose last lease ran out, and close the open batches whose time has passed."""
    campaign = campaigns.lock(tx, campaign_id)
    over = [task.id for task in tasks.lock_over(tx, campaign_id)]
    if over:
        campaign = _retire(tx, campaign, over)
    close_overdue(tx, campaign)


def _retire(tx: Transaction, campaign: Campaign, over: Sequence[str]) -> Campaign:
    found = tasks.lock(tx, campaign.id, tasks.siblings(over, campaign.spec.overlap))
    tasks.note_expired(tx, [found[one] for one in over])
    tasks.give_up(tx, campaign.id, over)
    now = {
        one.id: replace(one, lease="", lease_until_us=0) if one.id in over else one for one in found.values()
    }
    campaign = settle(tx, campaign, now.values())
    return close_if_due(tx, campaign, {found[one].batch for one in over})
