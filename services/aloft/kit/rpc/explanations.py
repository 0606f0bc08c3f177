"""`ExplanationService`, which every service serves: why a campaign stands where it stands."""

from google.protobuf.timestamp_pb2 import Timestamp

from aloft.api.explanation.v1 import explanation_service_pb2 as api
from aloft.api.explanation.v1.explanation_service_pb2_grpc import add_ExplanationServiceServicer_to_server
from aloft.kit.database.database import Transactions
from aloft.kit.explaining import Cause, Explain, Kind
from aloft.kit.names import CAMPAIGN
from aloft.kit.rpc.call import Call, Role, allow
from aloft.kit.service import Servicer

_KINDS = {
    Kind.STUCK: api.Cause.KIND_STUCK,
    Kind.WORKING: api.Cause.KIND_WORKING,
    Kind.WAITING: api.Cause.KIND_WAITING,
    Kind.IDLE: api.Cause.KIND_IDLE,
}


class Explanations:
    """Joins what a service says of itself, the most pressing first."""

    def __init__(self, database: Transactions, service: str, explain: Explain) -> None:
        self._database = database
        self._service = service
        self._explain = explain

    @allow(Role.ADMIN, Role.OPERATOR, Role.SERVICE)
    def ExplainCampaign(  # noqa: N802 (the contract's name)
        self, request: api.ExplainCampaignRequest, call: Call
    ) -> api.ExplainCampaignResponse:
        """Say what the service waits for in a campaign."""
        (campaign,) = CAMPAIGN.parse(request.name)
        call.principal.require_campaign(campaign)
        with self._database.read() as tx:
            causes = self._explain(tx, campaign)
        pressing = sorted(causes, key=lambda cause: list(Kind).index(cause.kind))
        return api.ExplainCampaignResponse(service=self._service, causes=map(_message, pressing))


def explanations(database: Transactions, service: str, explain: Explain) -> Servicer:
    """Make the servicer of a service that explains itself."""
    name = api.DESCRIPTOR.services_by_name["ExplanationService"].full_name
    return Servicer(add_ExplanationServiceServicer_to_server, Explanations(database, service, explain), name)


def _message(cause: Cause) -> api.Cause:
    since = None
    if cause.since_us is not None:
        since = Timestamp()
        since.FromMicroseconds(cause.since_us)
    return api.Cause(
        kind=_KINDS[cause.kind],
        code=cause.code,
        waits_for=cause.waits_for,
        since=since,
        remedy=cause.remedy,
    )
