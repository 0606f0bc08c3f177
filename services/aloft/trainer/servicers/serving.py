"""Calls of serving agents, and about them."""

# ruff: noqa: N802 (the contract names the methods)

from aloft.api.trainer.v1 import trainer_service_pb2 as api
from aloft.kit.errors import InvalidArgument
from aloft.kit.names import campaign_of
from aloft.kit.rpc.call import Call, Role, allow
from aloft.kit.rpc.paging import page
from aloft.trainer.domain.models import Report
from aloft.trainer.messages import SERVING_STATES, desired_message, serving_message
from aloft.trainer.servicers.ground import Ground, known
from aloft.trainer.store import servings


class ServingCalls(Ground):
    """What is to be served, and what is."""

    @allow(Role.ADMIN, Role.OPERATOR, Role.SERVICE)
    def ListDesiredServing(
        self, request: api.ListDesiredServingRequest, call: Call
    ) -> api.ListDesiredServingResponse:
        """List what is to be served, one version of each campaign."""
        wanted = page(request)
        after = str(wanted.after[0]) if wanted.after else ""
        with self._database.read() as tx:
            found = servings.all_desired(tx, after=after, limit=wanted.size + 1)
        shown, token = wanted.cut(found, lambda desired: (desired.campaign,))
        seen = [desired_message(each) for each in shown if call.principal.may_see(each.campaign)]
        return api.ListDesiredServingResponse(desired_servings=seen, next_page_token=token)

    @allow(Role.SERVICE)
    def ReportServing(self, request: api.ReportServingRequest, call: Call) -> api.ReportServingResponse:
        """Take an agent's word on what one pod serves."""
        said = request.serving
        if not said.pod:
            raise InvalidArgument.of("serving.pod", "is missing: name the pod that serves")
        if said.state not in SERVING_STATES:
            raise InvalidArgument.of("serving.state", "is missing: say how far the pod is")
        report = Report(
            campaign=said.campaign,
            pod=said.pod,
            version=said.version,
            generation=said.generation,
            digest=said.digest,
            state=SERVING_STATES[said.state],
            error=said.error,
        )
        with self._database.transaction() as tx:
            known(tx, said.campaign, call)
            servings.report(tx, report)
        return api.ReportServingResponse()

    @allow(Role.ADMIN, Role.OPERATOR, Role.SERVICE)
    def ListServing(self, request: api.ListServingRequest, call: Call) -> api.ListServingResponse:
        """List what pods serve of a campaign."""
        campaign, wanted = campaign_of(request.parent), page(request)
        after = str(wanted.after[0]) if wanted.after else ""
        with self._database.read() as tx:
            known(tx, campaign, call)
            found = servings.reports(tx, campaign, after=after, limit=wanted.size + 1)
        shown, token = wanted.cut(found, lambda report: (report.pod,))
        return api.ListServingResponse(servings=map(serving_message, shown), next_page_token=token)
