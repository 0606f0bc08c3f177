"""Create, change, resume, pause and stop a campaign. Each change is one version and one event."""

from collections.abc import Sequence

from aloft.api.labels.v1 import campaign_pb2 as pb
from aloft.api.labels.v1 import campaign_service_pb2 as service
from aloft.kit import names
from aloft.kit.database import Transaction
from aloft.kit.rpc import etags, masks
from aloft.label_store import announcing, messages
from aloft.label_store.domain import campaigns as rules
from aloft.label_store.store import campaigns
from aloft.label_store.store.campaigns import PAUSED, RUNNING, STOPPED, Campaign
from aloft.label_store.use_cases import closing
from aloft.label_store.use_cases.changing import change, refuse_stopped, turn
from aloft.label_store.use_cases.evaluating import begin_evaluation


def create(tx: Transaction, request: service.CreateCampaignRequest, by: str) -> pb.Campaign:
    """Create a campaign, paused, or name everything that is wrong with it."""
    spec = rules.completed(request.campaign)
    rules.check(request.campaign_id, spec)
    created = campaigns.insert(tx, request.campaign_id, spec, by)
    announcing.campaign_changed(tx, created)
    return messages.campaign(created)


def update(tx: Transaction, request: service.UpdateCampaignRequest) -> pb.Campaign:
    """Change what may be changed of a campaign: of one that has stopped, how its last labels are learned."""
    (campaign_id,) = names.CAMPAIGN.parse(request.campaign.name, "campaign.name")
    campaign = campaigns.lock(tx, campaign_id)
    etags.check(request.campaign.etag, messages.etag_of(campaign))
    spec = pb.Campaign()
    spec.CopyFrom(campaign.spec)
    masks.apply(request.update_mask, spec, request.campaign, rules.MUTABLE)
    spec = rules.completed(spec)
    rules.refuse(list(rules.violations_of(spec)))
    if not _alike_but_for(_OF_VERSIONS, spec, campaign.spec):
        refuse_stopped(campaign)
    if spec == campaign.spec:
        return messages.campaign(campaign)
    changed = change(tx, campaign, spec=spec.SerializeToString(deterministic=True))
    if spec.batch_policy != campaign.spec.batch_policy:
        changed = closing.close_by_policy(tx, changed)
    return messages.campaign(closing.stop_by_score(tx, closing.stop_if_spent(tx, changed)))


_OF_VERSIONS = ("training", "gate")
"""Whatever a campaign has spent, its labels may be learned anew, and what comes of it judged otherwise."""


def _alike_but_for(names: Sequence[str], one: pb.Campaign, other: pb.Campaign) -> bool:
    left = []
    for each in (one, other):
        copy = pb.Campaign()
        copy.CopyFrom(each)
        for name in names:
            copy.ClearField(name)  # type: ignore[arg-type]
        left.append(copy)
    return left[0] == left[1]


def resume(tx: Transaction, request: service.ResumeCampaignRequest, by: str) -> pb.Campaign:
    """Let a campaign run, once there is what versions are to be judged by. One that runs stays as it is."""
    campaign = _locked(tx, request.name, request.etag)
    if campaign.state == RUNNING:
        return messages.campaign(campaign)
    campaign = begin_evaluation(tx, campaign)
    return messages.campaign(turn(tx, campaign, RUNNING, "RESUMED", by))


def pause(tx: Transaction, request: service.PauseCampaignRequest, by: str) -> pb.Campaign:
    """Pause a campaign. One that is paused already stays as it is."""
    campaign = _locked(tx, request.name, request.etag)
    if campaign.state == PAUSED:
        return messages.campaign(campaign)
    return messages.campaign(turn(tx, campaign, PAUSED, "PAUSED_BY_OPERATOR", by))


def stop(tx: Transaction, request: service.StopCampaignRequest, by: str) -> pb.Campaign:
    """Stop a campaign for good. One that is stopped already stays as it is, whatever stopped it."""
    campaign = campaigns.lock(tx, *names.CAMPAIGN.parse(request.name))
    etags.check(request.etag, messages.etag_of(campaign))
    if campaign.state != STOPPED:
        campaign = closing.stop(tx, campaign, "OPERATOR", by)
    return messages.campaign(campaign)


def _locked(tx: Transaction, name: str, etag: str) -> Campaign:
    campaign = campaigns.lock(tx, *names.CAMPAIGN.parse(name))
    etags.check(etag, messages.etag_of(campaign))
    refuse_stopped(campaign)
    return campaign
