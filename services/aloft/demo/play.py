"""The demonstration itself: a pool is drawn, the services run, a vendor labels until the budget is spent."""

import time
from collections.abc import Callable
from uuid import uuid4

import grpc
from google.longrunning.operations_pb2 import GetOperationRequest
from google.longrunning.operations_pb2_grpc import OperationsStub

from aloft.api.labels.v1 import campaign_service_pb2 as campaigns
from aloft.api.labels.v1 import image_service_pb2 as images
from aloft.api.labels.v1 import vendor_service_pb2 as vendors
from aloft.api.labels.v1.campaign_pb2 import Campaign
from aloft.api.labels.v1.campaign_service_pb2_grpc import CampaignServiceStub
from aloft.api.labels.v1.image_service_pb2_grpc import ImageServiceStub
from aloft.api.labels.v1.vendor_service_pb2_grpc import VendorServiceStub
from aloft.demo.children import DemoFailed
from aloft.demo.ending import read_outcome
from aloft.demo.outcome import Outcome
from aloft.demo.plan import CAMPAIGN, VENDOR, Plan, Rooms
from aloft.demo.pool import DrawnPool, draw_pool
from aloft.demo.screen import Screen
from aloft.demo.stage import Stage
from aloft.demo.steps import advance, counts_of, steps_of
from aloft.demo.watch import NAME, Seen, Watch

LOOK_S = 0.15
STALLED_S = 90.0
"""How long nothing may change before it is given up."""


class Play:
    """One run on a stage."""

    def __init__(
        self, plan: Plan, rooms: Rooms, stage: Stage, screen: Screen, clock: Callable[[], float]
    ) -> None:
        self._plan = plan
        self._rooms = rooms
        self._stage = stage
        self._screen = screen
        self._clock = clock
        self._steps = steps_of(plan)
        self._seen = Seen()

    def run(self) -> Outcome:
        """Run it to its end."""
        self._note([0] * len(self._steps))
        self._stage.start_services()
        # Drawn while the services start, which takes longer.
        drawn = draw_pool(
            self._rooms.pool,
            self._rooms.truth,
            count=self._plan.images,
            size=self._plan.size,
            seed=self._plan.seed,
        )
        self._stage.wait_until_ready()
        key = self._stage.bootstrap()
        self._note(counts_of(self._plan, self._seen))
        labels = self._stage.channel("label-store", key)
        self._create(labels, drawn)
        self._stage.start_vendor(_vendor_key(labels))
        self._import(labels)
        CampaignServiceStub(labels).ResumeCampaign(
            campaigns.ResumeCampaignRequest(name=NAME, request_id=str(uuid4()))
        )
        self._follow(Watch(lambda service: self._stage.channel(service, key)))
        return read_outcome(labels, self._stage.channel("acquisition", key), self._plan, drawn, self._clock())

    def _create(self, labels: grpc.Channel, drawn: DrawnPool) -> None:
        wanted = Campaign()
        for label in drawn.labels:
            wanted.taxonomy.labels.add(id=label)
        wanted.image_spec.height = wanted.image_spec.width = self._plan.size
        wanted.strategy.expression = self._plan.strategy
        wanted.strategy.seed = self._plan.seed
        wanted.batch_policy.size = self._plan.batch_size
        wanted.budget.images = self._plan.budget
        wanted.base_model.architecture = self._plan.architecture
        wanted.base_model.seed = self._plan.seed
        CampaignServiceStub(labels).CreateCampaign(
            campaigns.CreateCampaignRequest(campaign_id=CAMPAIGN, campaign=wanted, request_id=str(uuid4()))
        )

    def _import(self, labels: grpc.Channel) -> None:
        request = images.ImportImagesRequest(
            parent=NAME, listing=images.ImportImagesRequest.Listing(), request_id=str(uuid4())
        )
        operation = ImageServiceStub(labels).ImportImages(request)
        operations = OperationsStub(labels)  # type: ignore[no-untyped-call]  # googleapis publishes no types of its stubs
        while not operation.done:
            self._pause()
            operation = operations.GetOperation(GetOperationRequest(name=operation.name))
        if operation.HasField("error"):
            raise DemoFailed(f"the import failed: {operation.error.message}")

    def _follow(self, watch: Watch) -> None:
        changed = self._clock()
        while not self._steps[-1].over:
            seen = watch.look()
            if seen != self._seen:
                self._seen, changed = seen, self._clock()
            self._note(counts_of(self._plan, seen))
            if seen.failed:
                raise DemoFailed(f"the first version of the model was not made: {seen.failed}")
            if self._clock() - changed > STALLED_S:
                raise DemoFailed(f"nothing has changed for {STALLED_S:.0f} s{_waiting(seen)}")
            self._pause()

    def _note(self, counts: list[int]) -> None:
        now = self._clock()
        self._steps = advance(self._steps, counts, now)
        self._screen.show(self._steps, self._seen, now)

    def _pause(self) -> None:
        self._stage.check()
        time.sleep(LOOK_S)


def _vendor_key(labels: grpc.Channel) -> str:
    stub = VendorServiceStub(labels)
    request = vendors.CreateVendorRequest(
        vendor_id=VENDOR, vendor=vendors.Vendor(campaigns=[NAME]), request_id=str(uuid4())
    )
    created = stub.CreateVendor(request)
    made = stub.CreateApiKey(vendors.CreateApiKeyRequest(principal=created.name))
    return str(made.secret)


def _waiting(seen: Seen) -> str:
    return "".join(f"; {service} waits for {what}" for service, what in seen.waiting.items() if what)
