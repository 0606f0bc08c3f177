"""What time alone does to batches: last leases run out, and a batch closes after so long."""

import logging

from aloft.kit.database import Transaction, Transactions
from aloft.label_store.domain.batches import CloseReason, ReleaseReason
from aloft.label_store.store import batches, campaigns, tasks
from aloft.label_store.use_cases.closing import close, retire

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
            overdue = dict(batches.overdue(tx, CAMPAIGNS))
            due = sorted({*overdue, *tasks.campaigns_with_over(tx, CAMPAIGNS)})
        failed: Exception | None = None
        for campaign in due:
            try:
                with self._database.transaction() as tx:
                    close_books(tx, campaign, overdue.get(campaign))
            except Exception as error:
                log.exception("the batches of campaigns/%s could not be closed", campaign)
                failed = error
        if failed is not None:
            raise failed
        return bool(due)


def close_books(tx: Transaction, campaign_id: str, overdue: int | None) -> None:
    """End tasks whose last lease ran out, and close the open batch if it is the one that is overdue."""
    campaign = campaigns.lock(tx, campaign_id)
    over = tasks.lock_over(tx, campaign_id)
    if over:
        campaign = retire(tx, campaign, over, ReleaseReason.LEASE_EXPIRED)
    if overdue is not None and overdue == campaign.open_batch:
        close(tx, campaign, overdue, CloseReason.CLOSE_AFTER)
