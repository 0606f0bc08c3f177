"""`ExplanationService`, which every service serves: why a campaign stands where it stands."""

from collections.abc import Sequence

from google.protobuf.timestamp_pb2 import Timestamp

from aloft.api.explanation.v1 import explanation_service_pb2 as api
from aloft.api.explanation.v1.explanation_service_pb2_grpc import add_ExplanationServiceServicer_to_server
from aloft.kit.common_causes import of_events, of_jobs
from aloft.kit.database import Transaction
from aloft.kit.database.database import Transactions
from aloft.kit.errors import NotFound
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


def explain_all(tx: Transaction, service: str, campaign: str, explain: Explain) -> Sequence[Cause]:
    """Join what a service says of itself with what its tables say, the most pressing first."""
    found = [*of_events(tx, service, campaign)]
    try:
        own = explain(tx, campaign)
    except NotFound:
        if not found:
            raise
        own = ()  # the event that would have made it known is among those found
    jobs = list(of_jobs(tx, campaign))
    if any(cause.kind is Kind.WORKING for cause in own):
        jobs = [cause for cause in jobs if cause.kind is Kind.STUCK]
    found += [*own, *jobs]
    if any(cause.kind is not Kind.IDLE for cause in found):
        found = [cause for cause in found if cause.kind is not Kind.IDLE]
    return sorted(found, key=lambda cause: list(Kind).index(cause.kind))


class Explanations:
    """Answers for one service."""

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
            causes = explain_all(tx, self._service, campaign, self._explain)
        return api.ExplainCampaignResponse(service=self._service, causes=map(_message, causes))


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
