"""CampaignService."""

# ruff: noqa: N802 (the contract names the methods)

from aloft.api.labels.v1 import campaign_pb2 as pb
from aloft.api.labels.v1 import campaign_service_pb2 as service
from aloft.kit import names
from aloft.kit.database import Transactions
from aloft.kit.rpc.call import Call, Role, allow
from aloft.kit.rpc.paging import page
from aloft.label_store import messages
from aloft.label_store.servicers.answering import answer_once
from aloft.label_store.store import campaigns
from aloft.label_store.use_cases import campaigns as use_cases
from aloft.label_store.use_cases.counting import progress


class CampaignServicer:
    """Campaigns, for administrators and operators."""

    def __init__(self, database: Transactions) -> None:
        self._database = database

    @allow(Role.ADMIN, Role.OPERATOR)
    def CreateCampaign(self, request: service.CreateCampaignRequest, call: Call) -> pb.Campaign:
        """Create a campaign, paused."""
        return answer_once(
            self._database,
            call,
            request,
            pb.Campaign,
            lambda tx: use_cases.create(tx, request, call.principal.name),
        )

    @allow(Role.ADMIN, Role.OPERATOR, Role.SERVICE)
    def GetCampaign(self, request: service.GetCampaignRequest, call: Call) -> pb.Campaign:
        """Read a campaign."""
        (campaign,) = names.CAMPAIGN.parse(request.name)
        with self._database.read() as tx:
            return messages.campaign(campaigns.get(tx, campaign))

    @allow(Role.ADMIN, Role.OPERATOR, Role.SERVICE)
    def ListCampaigns(
        self, request: service.ListCampaignsRequest, call: Call
    ) -> service.ListCampaignsResponse:
        """Read campaigns by id."""
        wanted = page(request)
        after = str(wanted.after[0]) if wanted.after else ""
        with self._database.read() as tx:
            found = campaigns.page(tx, after, wanted.size + 1)
        shown, token = wanted.cut(found, lambda campaign: (campaign.id,))
        return service.ListCampaignsResponse(campaigns=map(messages.campaign, shown), next_page_token=token)

    @allow(Role.ADMIN, Role.OPERATOR)
    def UpdateCampaign(self, request: service.UpdateCampaignRequest, call: Call) -> pb.Campaign:
        """Change what may be changed."""
        return answer_once(
            self._database, call, request, pb.Campaign, lambda tx: use_cases.update(tx, request)
        )

    @allow(Role.ADMIN, Role.OPERATOR)
    def ResumeCampaign(self, request: service.ResumeCampaignRequest, call: Call) -> pb.Campaign:
        """Let a campaign run."""
        return answer_once(
            self._database,
            call,
            request,
            pb.Campaign,
            lambda tx: use_cases.resume(tx, request, call.principal.name),
        )

    @allow(Role.ADMIN, Role.OPERATOR)
    def PauseCampaign(self, request: service.PauseCampaignRequest, call: Call) -> pb.Campaign:
        """Stop selecting and leasing for a while."""
        return answer_once(
            self._database,
            call,
            request,
            pb.Campaign,
            lambda tx: use_cases.pause(tx, request, call.principal.name),
        )

    @allow(Role.ADMIN, Role.OPERATOR)
    def StopCampaign(self, request: service.StopCampaignRequest, call: Call) -> pb.Campaign:
        """Stop it for good."""
        return answer_once(
            self._database,
            call,
            request,
            pb.Campaign,
            lambda tx: use_cases.stop(tx, request, call.principal.name),
        )

    @allow(Role.ADMIN, Role.OPERATOR, Role.SERVICE)
    def GetCampaignProgress(
        self, request: service.GetCampaignProgressRequest, call: Call
    ) -> service.CampaignProgress:
        """Count what is known of a campaign."""
        (campaign,) = names.CAMPAIGN.parse(request.name)
        with self._database.read() as tx:
            return progress(tx, campaign)
