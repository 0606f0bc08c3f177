"""One story for every run of the loop: import, label batches, train on each, until enough are closed."""

import csv
import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from google.protobuf.duration_pb2 import Duration
from PIL import Image

from aloft.api.labels.v1 import (
    batch_service_pb2,
    campaign_service_pb2,
    image_service_pb2,
    labelling_service_pb2,
)
from aloft.api.labels.v1.campaign_pb2 import VERDICT_POSITIVE, Campaign, LabelVerdict, Training
from aloft.api.labels.v1.vendor_service_pb2 import CreateVendorRequest, Vendor
from aloft.kit.bus.embedded import EmbeddedBus
from aloft.kit.errors import FailedPrecondition
from aloft.kit.objects.directory import DirectoryObjects
from aloft.kit.rpc.call import Principal, Role
from tests.slice.checker import Acknowledged, Evidence, check
from tests.slice.rest import under_way
from tests.slice.world import APPS, World

CAMPAIGN = "coast"
LABELS = ("water", "ship")
STORE = "label_store"


MANIFEST = "manifest.csv"


def tile(number: int) -> bytes:
    """Draw a small image whose labels follow from its number."""
    shade = (37 * number % 256, 91 * number % 256, 153 * number % 256)
    file = io.BytesIO()
    Image.new("RGB", (8, 8), shade).save(file, "PNG")
    return file.getvalue()


def shown(number: int) -> frozenset[str]:
    """Say which labels the image of a number shows."""
    return frozenset(label for bit, label in enumerate(LABELS) if number >> bit & 1)


def draw(pool: Path, images: int, held_out: int) -> dict[str, frozenset[str]]:
    """Write the images and the manifest that names them; say their labels by the bytes' SHA-256.

    The first ones are held out, in turn for validation and for test, and the manifest has their labels.
    """
    truth = {}
    with (pool / MANIFEST).open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["key", "split", *LABELS])
        for number in range(held_out + images):
            key, data = f"tile-{number:03}.png", tile(number)
            (pool / key).write_bytes(data)
            truth[hashlib.sha256(data).hexdigest()] = shown(number)
            if number < held_out:
                # Two of each four, so that each split shows every label and lacks it once.
                split = "validation" if number % 4 in (0, 3) else "test"
                lines.writerow([key, split, *(int(label in shown(number)) for label in LABELS)])
            else:
                lines.writerow([key, "pool", *("" for _ in LABELS)])
    return truth


def one_step(campaign: Campaign) -> None:
    """Train in a single step: what a round does is the same, and takes no time."""
    campaign.training.mode = Training.MODE_FULL
    campaign.training.steps = 1
    campaign.training.batch_images = 2


@dataclass
class Story:
    """What the clients do and what they were told."""

    world: World
    campaign: str = CAMPAIGN
    images: int = 6
    held_out: int = 4
    batch: int = 2
    batches: int = 1
    strategy: str = "mge+kmeans"
    configure: Callable[[Campaign], None] = one_step
    prepare: Callable[[Path], None] = lambda pool: None
    """What is done to the pool before it is imported."""
    acknowledged: list[Acknowledged] = field(default_factory=list)
    _requests: int = 0

    def __post_init__(self) -> None:
        self.parent = f"campaigns/{self.campaign}"
        self.vendor = Principal(f"vendors/{self.campaign}", Role.VENDOR, frozenset({self.campaign}))

    def tell(self) -> None:
        """Run it to the end: so many batches closed, another selected, and nothing left to do."""
        self.set_up()
        self.world.until(self.done, f"{self.batches} batches are closed and another is open", act=self.label)
        self.world.until(self._at_rest, "everything comes to rest")

    def _at_rest(self) -> bool:
        """Say whether nothing moves and nothing waits; a job whose worker died waits for its lease to end."""
        if self.world.step():
            return False
        databases = {name: self.world.database(name) for name in APPS}
        try:
            return not under_way(databases)
        finally:
            for database in databases.values():
                database.close()

    def _request(self) -> str:
        """Make a request id that is the same in every run, and a UUID of version 4."""
        self._requests += 1
        digest = hashlib.sha256(f"{self.campaign}/{self._requests}".encode()).digest()
        return str(UUID(bytes=digest[:16], version=4))

    def _call(self, service: str, method: str, request: object, principal: Principal | None = None) -> object:
        if principal is None:
            return self.world.call(STORE, service, method, request)
        return self.world.call(STORE, service, method, request, principal)

    def set_up(self) -> None:
        """Draw the pool, create the campaign, import, let it run, and make its vendor."""
        pool = self.world.folder / "pool"
        self.truth = draw(pool, self.images, self.held_out)
        self.prepare(pool)
        self.create()
        self.import_images()
        self.world.until(self._imported, "every image is registered")
        resume = campaign_service_pb2.ResumeCampaignRequest(name=self.parent, request_id=self._request())
        self._call("CampaignService", "ResumeCampaign", resume)
        create = CreateVendorRequest(
            vendor_id=self.campaign, vendor=Vendor(campaigns=[self.parent]), request_id=self._request()
        )
        self._call("VendorService", "CreateVendor", create)

    def create(self) -> None:
        """Create the campaign."""
        campaign = Campaign()
        for label in LABELS:
            campaign.taxonomy.labels.add(id=label)
        campaign.strategy.expression = self.strategy
        campaign.batch_policy.size = self.batch
        campaign.image_spec.height = campaign.image_spec.width = 8
        campaign.base_model.architecture, campaign.base_model.seed = "tiny", 0
        if self.held_out:
            campaign.held_out.imported = True
        self.configure(campaign)
        create = campaign_service_pb2.CreateCampaignRequest(
            campaign_id=self.campaign, campaign=campaign, request_id=self._request()
        )
        self._call("CampaignService", "CreateCampaign", create)

    def import_images(self) -> None:
        """Import what the manifest names; what is known stays."""
        manifest = image_service_pb2.ImportImagesRequest(parent=self.parent, request_id=self._request())
        manifest.manifest.key = MANIFEST
        self._call("ImageService", "ImportImages", manifest)

    def _imported(self) -> bool:
        asked = campaign_service_pb2.GetCampaignProgressRequest(name=self.parent)
        progress = self._call("CampaignService", "GetCampaignProgress", asked)
        held_out = progress.labelled_validation_images + progress.labelled_test_images  # type: ignore[attr-defined]
        return bool(progress.pool_images == self.images and held_out == self.held_out)  # type: ignore[attr-defined]

    def done(self) -> bool:
        """Say whether so many batches are closed and another is open."""
        asked = batch_service_pb2.ListBatchesRequest(parent=self.parent, page_size=100)
        batches = self._call("BatchService", "ListBatches", asked).batches  # type: ignore[attr-defined]
        closed = [one for one in batches if one.close_reason]
        return len(closed) >= self.batches and len(batches) > len(closed)

    def label(self) -> bool:
        """Lease what there is, look at it, hand it in."""
        if self.done():
            return False
        return self.submit(self.lease())

    def lease(self) -> Sequence[labelling_service_pb2.Task]:
        """Lease what there is."""
        lease = labelling_service_pb2.LeaseTasksRequest(
            parent=self.parent,
            max_tasks=self.batch,
            lease_duration=Duration(seconds=30),
            annotator="ann",
            request_id=self._request(),
        )
        answer: Any = self._call("LabellingService", "LeaseTasks", lease, self.vendor)
        return list(answer.tasks)

    def submit(self, tasks: Sequence[labelling_service_pb2.Task]) -> bool:
        """Look at images and say what they show; False if there are none."""
        if not tasks:
            return False
        submit = labelling_service_pb2.SubmitAnnotationsRequest(
            parent=self.parent, request_id=self._request()
        )
        for task in tasks:
            verdicts = [
                LabelVerdict(label=name, verdict=VERDICT_POSITIVE) for name in sorted(self._look(task.image))
            ]
            submit.annotations.add(task=task.name, lease=task.lease, verdicts=verdicts)
        try:
            self._call("LabellingService", "SubmitAnnotations", submit, self.vendor)
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
        key = f"campaigns/{self.campaign}/images/{image.rsplit('/', 1)[-1]}"
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
                    campaign=self.campaign,
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
