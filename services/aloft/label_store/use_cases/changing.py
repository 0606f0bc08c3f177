"""Change a campaign whose row is locked. Each change is one version and one event."""

from typing import Any

from aloft.kit.database import Transaction
from aloft.kit.database.columns import NOW
from aloft.kit.errors import FailedPrecondition
from aloft.label_store import announcing
from aloft.label_store.store import campaigns
from aloft.label_store.store.campaigns import STOPPED, Campaign


def change(tx: Transaction, campaign: Campaign, **values: Any) -> Campaign:
    """Set columns of a campaign and say so."""
    changed = campaigns.update(tx, campaign.id, **values, version=campaign.version + 1, updated_us=NOW)
    announcing.campaign_changed(tx, changed)
    return changed


def turn(tx: Transaction, campaign: Campaign, state: str, reason: str, by: str = "") -> Campaign:
    """Bring a campaign into a state, and keep why, since when, and by whom; nobody is a rule."""
    return change(tx, campaign, state=state, state_reason=reason, state_by=by, state_since_us=NOW)


def refuse_stopped(campaign: Campaign) -> None:
    """Raise `FailedPrecondition` for a campaign that was stopped."""
    if campaign.state == STOPPED:
        raise FailedPrecondition(
            "CAMPAIGN_STOPPED",
            f"campaigns/{campaign.id} was stopped by {campaign.state_reason}, for good: create a new one",
            state_reason=campaign.state_reason,
        )
