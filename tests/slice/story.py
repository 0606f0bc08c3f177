"""One story for every run of the slice: import, label batches as they come, stop when enough are closed."""

import hashlib
import io
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from google.protobuf.duration_pb2 import Duration
from PIL import Image

from aloft.api.labels.v1 import (
    batch_service_pb2,
    campaign_service_pb2,
    image_service_pb2,
    labelling_service_pb2,
)
from aloft.api.labels.v1.campaign_pb2 import VERDICT_POSITIVE, Campaign, LabelVerdict
from aloft.api.labels.v1.vendor_service_pb2 import CreateVendorRequest, Vendor
from aloft.kit.bus.embedded import EmbeddedBus
from aloft.kit.errors import FailedPrecondition
from aloft.kit.objects.directory import DirectoryObjects
from aloft.kit.rpc.call import Principal, Role
from tests.slice.checker import Acknowledged, Evidence, check
from tests.slice.world import APPS, World

CAMPAIGN = "coast"
PARENT = f"campaigns/{CAMPAIGN}"
LABELS = ("water", "ship")
VENDOR = Principal("vendors/acme", Role.VENDOR, frozenset({CAMPAIGN}))
STORE = "label_store"


def draw(pool: Path, count: int) -> dict[str, frozenset[str]]:
    """Write small images whose labels follow from their number; say the labels by the bytes' SHA-256."""
    truth = {}
    for number in range(count):
        shade = (37 * number % 256, 91 * number % 256, 153 * number % 256)
        file = io.BytesIO()
        Image.new("RGB", (8, 8), shade).save(file, "PNG")
        (pool / f"tile-{number:03}.png").write_bytes(file.getvalue())
        positive = frozenset(label for bit, label in enumerate(LABELS) if number >> bit & 1)
        truth[hashlib.sha256(file.getvalue()).hexdigest()] = positive
    return truth


@dataclass
class Story:
    """What the clients do and what they were told."""

    world: World
    images: int = 8
    batch: int = 2
    batches: int = 2
    strategy: str = "random"
    acknowledged: list[Acknowledged] = field(default_factory=list)
    _requests: int = 0

    def tell(self) -> None:
        """Run it to the end: so many batches closed, another selected, and nothing left to do."""
        truth = draw(self.world.folder / "pool", self.images)
        self.truth = truth
        self._set_up()
        self.world.until(
            self._done, f"{self.batches} batches are closed and another is open", act=self._label
        )
        self.world.until(lambda: not self.world.step(), "everything comes to rest")

    def _request(self) -> str:
        """Make a request id that is the same in every run, and a UUID of version 4."""
        self._requests += 1
        return str(UUID(int=self._requests, version=4))

    def _call(self, service: str, method: str, request: object, principal: Principal | None = None) -> object:
        if principal is None:
            return self.world.call(STORE, service, method, request)
        return self.world.call(STORE, service, method, request, principal)

    def _set_up(self) -> None:
        campaign = Campaign()
        for label in LABELS:
            campaign.taxonomy.labels.add(id=label)
        campaign.strategy.expression = self.strategy
        campaign.batch_policy.size = self.batch
        campaign.image_spec.height = campaign.image_spec.width = 8
        campaign.base_model.architecture = "tiny"
        create = campaign_service_pb2.CreateCampaignRequest(
            campaign_id=CAMPAIGN, campaign=campaign, request_id=self._request()
        )
        self._call("CampaignService", "CreateCampaign", create)
        listing = image_service_pb2.ImportImagesRequest(parent=PARENT, request_id=self._request())
        listing.listing.prefix = ""
        self._call("ImageService", "ImportImages", listing)
        resume = campaign_service_pb2.ResumeCampaignRequest(name=PARENT, request_id=self._request())
        self.world.until(self._imported, "every image is registered")
        self._call("CampaignService", "ResumeCampaign", resume)
        vendor = Vendor(campaigns=[PARENT])
        self._call(
            "VendorService",
            "CreateVendor",
            CreateVendorRequest(vendor_id="acme", vendor=vendor, request_id=self._request()),
        )

    def _imported(self) -> bool:
        asked = campaign_service_pb2.GetCampaignProgressRequest(name=PARENT)
        progress = self._call("CampaignService", "GetCampaignProgress", asked)
        return bool(progress.pool_images == self.images)  # type: ignore[attr-defined]

    def _done(self) -> bool:
        asked = batch_service_pb2.ListBatchesRequest(parent=PARENT, page_size=100)
        batches = self._call("BatchService", "ListBatches", asked).batches  # type: ignore[attr-defined]
        closed = [one for one in batches if one.close_reason]
        return len(closed) >= self.batches and len(batches) > len(closed)

    def _label(self) -> bool:
        """Lease what there is, look at it, hand it in."""
        if self._done():
            return False
        lease = labelling_service_pb2.LeaseTasksRequest(
            parent=PARENT,
            max_tasks=self.batch,
            lease_duration=Duration(seconds=30),
            annotator="ann",
            request_id=self._request(),
        )
        tasks = self._call("LabellingService", "LeaseTasks", lease, VENDOR).tasks  # type: ignore[attr-defined]
        if not tasks:
            return False
        submit = labelling_service_pb2.SubmitAnnotationsRequest(parent=PARENT, request_id=self._request())
        for task in tasks:
            verdicts = [
                LabelVerdict(label=name, verdict=VERDICT_POSITIVE) for name in sorted(self._look(task.image))
            ]
            submit.annotations.add(task=task.name, lease=task.lease, verdicts=verdicts)
        try:
            self._call("LabellingService", "SubmitAnnotations", submit, VENDOR)
        except FailedPrecondition as refused:
            if refused.reason != "LEASE_EXPIRED":
                raise
            return True
        for annotation in submit.annotations:
            positive = frozenset(verdict.label for verdict in annotation.verdicts)
            self.acknowledged.append(Acknowledged(annotation.task, positive))
        return True

    def _look(self, image: str) -> frozenset[str]:
        """Read the opaque copy that a vendor is shown, where no test has an HTTP server."""
        copies = DirectoryObjects(self.world.folder / "objects", read_only=True)
        key = f"campaigns/{CAMPAIGN}/images/{image.rsplit('/', 1)[-1]}"
        found = [info.key for info in copies.list(key)]
        assert found, f"no copy of {image} for vendors"
        return self.truth[hashlib.sha256(copies.get(found[-1])).hexdigest()]

    def check(self) -> None:
        """Let the checker read what is left."""
        databases = {name: self.world.database(name) for name in APPS}
        bus = EmbeddedBus(self.world.folder / "bus.db")
        try:
            check(
                Evidence(
                    campaign=CAMPAIGN,
                    databases=databases,
                    bus=bus,
                    objects=DirectoryObjects(self.world.folder / "objects", read_only=True),
                    pool=DirectoryObjects(self.world.folder / "pool", read_only=True),
                    acknowledged=self.acknowledged,
                    truth=self.truth,
                    wait_s=0.0,
                )
            )
        finally:
            bus.close()
            for database in databases.values():
                database.close()
