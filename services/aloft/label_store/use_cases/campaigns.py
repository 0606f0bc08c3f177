"""Create, change, resume, pause and stop a campaign. Each change is one version and one event."""

from typing import Any

from aloft.api.labels.v1 import campaign_pb2 as pb
from aloft.api.labels.v1 import campaign_service_pb2 as service
from aloft.kit import names
from aloft.kit.database import Transaction
from aloft.kit.database.columns import NOW
from aloft.kit.errors import FailedPrecondition
from aloft.kit.rpc import etags, masks
from aloft.label_store import announcing, messages
from aloft.label_store.domain import budgets
from aloft.label_store.domain import campaigns as rules
from aloft.label_store.store import campaigns
from aloft.label_store.store.campaigns import PAUSED, RUNNING, STOPPED, Campaign


def create(tx: Transaction, request: service.CreateCampaignRequest) -> pb.Campaign:
    """Create a campaign, paused, or name everything that is wrong with it."""
    spec = rules.completed(request.campaign)
    rules.check(request.campaign_id, spec)
    created = campaigns.insert(tx, request.campaign_id, spec)
    announcing.campaign_changed(tx, created)
    return messages.campaign(created)


def update(tx: Transaction, request: service.UpdateCampaignRequest) -> pb.Campaign:
    """Change what may be changed of a campaign that has not stopped."""
    (campaign_id,) = names.CAMPAIGN.parse(request.campaign.name, "campaign.name")
    campaign = campaigns.lock(tx, campaign_id)
    etags.check(request.campaign.etag, messages.etag_of(campaign))
    _refuse_stopped(campaign)
    spec = pb.Campaign()
    spec.CopyFrom(campaign.spec)
    masks.apply(request.update_mask, spec, request.campaign, rules.MUTABLE)
    spec = rules.completed(spec)
    rules.refuse(list(rules.violations_of(spec)))
    if spec == campaign.spec:
        return messages.campaign(campaign)
    changed = change(tx, campaign, spec=spec.SerializeToString(deterministic=True))
    return messages.campaign(stop_if_spent(tx, changed))


def resume(tx: Transaction, request: service.ResumeCampaignRequest) -> pb.Campaign:
    """Let a campaign run. One that runs already stays as it is."""
    return _turn(tx, request.name, request.etag, RUNNING, "RESUMED")


def pause(tx: Transaction, request: service.PauseCampaignRequest) -> pb.Campaign:
    """Pause a campaign. One that is paused already stays as it is."""
    return _turn(tx, request.name, request.etag, PAUSED, "PAUSED_BY_OPERATOR")


def _turn(tx: Transaction, name: str, etag: str, state: str, reason: str) -> pb.Campaign:
    campaign = campaigns.lock(tx, *names.CAMPAIGN.parse(name))
    etags.check(etag, messages.etag_of(campaign))
    _refuse_stopped(campaign)
    if campaign.state == state:
        return messages.campaign(campaign)
    return messages.campaign(change(tx, campaign, state=state, state_reason=reason))


def _refuse_stopped(campaign: Campaign) -> None:
    if campaign.state == STOPPED:
        raise FailedPrecondition(
            "CAMPAIGN_STOPPED",
            f"campaigns/{campaign.id} was stopped by {campaign.state_reason}, for good: create a new one",
            state_reason=campaign.state_reason,
        )


def stop_if_spent(tx: Transaction, campaign: Campaign) -> Campaign:
    """Stop a campaign whose budget is spent, once its last batch is closed."""
    reason = budgets.stop_reason(campaign.spec.budget, campaign.spent)
    if not reason or campaign.open_batch is not None or campaign.state == STOPPED:
        return campaign
    return change(tx, campaign, state=STOPPED, state_reason=reason)


def change(tx: Transaction, campaign: Campaign, **values: Any) -> Campaign:
    """Change a campaign whose row is locked: a new version, and the event that says so."""
    version = campaign.version + 1
    changed = campaigns.update(tx, campaign.id, **values, version=version, updated_us=NOW)
    announcing.campaign_changed(tx, changed)
    return changed
