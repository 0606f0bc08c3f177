"""LabellingService: what a vendor calls. Of campaigns that are not its own it learns nothing."""

# ruff: noqa: N802 (the contract names the methods)

from aloft.api.labels.v1 import labelling_service_pb2 as service
from aloft.kit import names
from aloft.kit.database import Transactions
from aloft.kit.errors import InvalidArgument
from aloft.kit.rpc.call import Call, Role, allow
from aloft.label_store.servicers.answering import answer_once
from aloft.label_store.store import campaigns
from aloft.label_store.use_cases.counting import statistics
from aloft.label_store.use_cases.leases import give_back
from aloft.label_store.use_cases.leasing import Leasing
from aloft.label_store.use_cases.skipping import skip
from aloft.label_store.use_cases.submitting import submit


class LabellingServicer:
    """Tasks, leases and annotations, for vendors."""

    def __init__(self, database: Transactions, leasing: Leasing) -> None:
        self._database = database
        self._leasing = leasing

    @allow(Role.VENDOR)
    def GetLabellingGuide(
        self, request: service.GetLabellingGuideRequest, call: Call
    ) -> service.LabellingGuide:
        """Say what the labels mean."""
        _vendor(call, request.parent)
        with self._database.read() as tx:
            campaign = campaigns.get(tx, names.campaign_of(request.parent))
        spec = campaign.spec
        return service.LabellingGuide(
            campaign=request.parent, display_name=spec.display_name, taxonomy=spec.taxonomy
        )

    @allow(Role.VENDOR)
    def LeaseTasks(self, request: service.LeaseTasksRequest, call: Call) -> service.LeaseTasksResponse:
        """Take free tasks."""
        return self._leasing.lease(call, _vendor(call, request.parent), request)

    @allow(Role.VENDOR)
    def ExtendLeases(self, request: service.ExtendLeasesRequest, call: Call) -> service.ExtendLeasesResponse:
        """Keep tasks for longer."""
        return self._leasing.extend(_vendor(call, request.parent), request)

    @allow(Role.VENDOR)
    def ReleaseTasks(self, request: service.ReleaseTasksRequest, call: Call) -> service.ReleaseTasksResponse:
        """Give tasks back."""
        vendor = _vendor(call, request.parent)
        with self._database.transaction() as tx:
            give_back(tx, vendor, request)
        return service.ReleaseTasksResponse()

    @allow(Role.VENDOR)
    def SubmitAnnotations(
        self, request: service.SubmitAnnotationsRequest, call: Call
    ) -> service.SubmitAnnotationsResponse:
        """Hand annotations in."""
        vendor = _vendor(call, request.parent)
        if not request.request_id:
            raise InvalidArgument.of("request_id", "give a UUID4, so that a repeat has no second effect")
        return answer_once(
            self._database,
            call,
            request,
            service.SubmitAnnotationsResponse,
            lambda tx: submit(tx, vendor, request),
        )

    @allow(Role.VENDOR)
    def SkipTask(self, request: service.SkipTaskRequest, call: Call) -> service.Task:
        """Say that an image cannot be labelled."""
        campaign, _ = names.TASK.parse(request.name)
        vendor = _vendor(call, names.CAMPAIGN.format(campaign))
        return answer_once(self._database, call, request, service.Task, lambda tx: skip(tx, vendor, request))

    @allow(Role.VENDOR)
    def GetVendorStatistics(
        self, request: service.GetVendorStatisticsRequest, call: Call
    ) -> service.VendorStatistics:
        """Count what this vendor has done."""
        vendor = _vendor(call, request.parent)
        with self._database.read() as tx:
            return statistics(tx, names.campaign_of(request.parent), vendor)


def _vendor(call: Call, parent: str) -> str:
    """Say which vendor calls, or that there is no such campaign for it."""
    call.principal.require_campaign(names.campaign_of(parent))
    return names.VENDOR.parse(call.principal.name)[0]
