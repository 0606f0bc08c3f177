"""The label store alone: a test calls it as clients do, says what others would, and reads its outbox."""

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from google.longrunning import operations_pb2
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from aloft.api.events.v1 import events_pb2 as events
from aloft.api.labels.v1 import (
    batch_service_pb2,
    campaign_pb2,
    campaign_service_pb2,
    image_service_pb2,
    labelling_service_pb2,
    vendor_service_pb2,
)
from aloft.kit.bus import tables as bus_tables
from aloft.kit.bus.context import Context
from aloft.kit.bus.embedded import EmbeddedBus
from aloft.kit.clock import Clock, ManualClock, SystemClock
from aloft.kit.database import Database, migrate, provision
from aloft.kit.explaining import Cause
from aloft.kit.ids import image_id
from aloft.kit.jobs import Jobs, JobWorker
from aloft.kit.objects.directory import DirectoryObjects
from aloft.kit.objects.signing import UrlSigner
from aloft.kit.rpc.call import Call, Principal, Role
from aloft.kit.service import Ports
from aloft.label_store import app
from aloft.label_store.domain import verdicts
from aloft.label_store.explaining import explain
from aloft.label_store.handlers import handlers
from aloft.label_store.store import tables
from aloft.label_store.use_cases.importing import KIND, ImportImages
from aloft.label_store.use_cases.passing_of_time import BatchCloser

CAMPAIGN = "c"
PARENT = f"campaigns/{CAMPAIGN}"
ADMIN = Principal("admins/first", Role.ADMIN)
VENDOR = Principal("vendors/acme", Role.VENDOR, frozenset({CAMPAIGN}))
LABELS = ("water", "forest", "road")
POSITIVE = campaign_pb2.VERDICT_POSITIVE

Event = TypeVar("Event", bound=Message)
Task = labelling_service_pb2.Task


def key(number: int) -> str:
    """Name the object of a numbered image."""
    return f"class-{number % 3}/{number:03d}.png"


def image(number: int) -> str:
    """Make the id of a numbered image."""
    return image_id(key(number))


def request_id() -> str:
    """Make an id for a request."""
    return str(uuid.uuid4())


class World:
    """The service over one database and two folders."""

    def __init__(self, database: Database, folder: Path, clock: Clock, pool: Path | None = None) -> None:
        self.database = database
        self.pool_folder = pool or folder / "pool"
        self.pool_folder.mkdir(exist_ok=True)
        signer = UrlSigner(b"0" * 32, "http://127.0.0.1:1", "aloft", clock)
        self.objects = DirectoryObjects(folder / "objects", signer=signer)
        self.pool = DirectoryObjects(self.pool_folder, read_only=True)
        bus = EmbeddedBus(folder / "bus.db")
        ports = Ports(database=database, bus=bus, objects=self.objects, pool=self.pool, worker="w")
        self.service = app.build(app.Settings(), ports)
        self.jobs = JobWorker(Jobs(database), {KIND: ImportImages(self.pool, self.objects)}, "w")
        self.closer = BatchCloser(database)
        self._handlers = handlers()
        self._bus = bus

    def close(self) -> None:
        """Give everything back."""
        for background in self.service.backgrounds:
            if background.close is not None:
                background.close()
        self._bus.close()

    def call(self, method: str, request: Any, principal: Principal = ADMIN) -> Any:
        """Call `Service.Method` as that principal."""
        service, _, name = method.partition(".")
        ending = f".{service}Service" if service else ".Operations"
        methods = next(one.methods for one in self.service.servicers if one.full_name.endswith(ending))
        return getattr(methods, name)(request, Call.by(principal))

    def say(self, event: Message) -> None:
        """Handle an event, as the inbox does."""
        with self.database.transaction() as tx:
            context = Context("e", "t", CAMPAIGN, "", tx.now(), "", 1)
            self._handlers[type(event)](tx, event, context)

    def announced(self, kind: type[Event]) -> list[Event]:
        """Read what it has said of that kind, in the order in which it goes out."""
        outbox = bus_tables.outbox
        wanted = (
            sa.select(outbox.c.payload)
            .where(outbox.c.type == kind.DESCRIPTOR.full_name)
            .order_by(outbox.c.id)
        )
        with self.database.read() as tx:
            return [kind.FromString(payload) for payload in tx.execute(wanted).scalars()]

    def rows(self, table: sa.Table) -> Sequence[sa.Row[Any]]:
        """Read a table."""
        with self.database.read() as tx:
            return tx.execute(sa.select(table)).all()

    def campaign(self, **fields: Any) -> campaign_pb2.Campaign:
        """Create the campaign."""
        labels = [campaign_pb2.Label(id=label) for label in LABELS]
        wanted = campaign_pb2.Campaign(taxonomy=campaign_pb2.Taxonomy(labels=labels), **fields)
        request = campaign_service_pb2.CreateCampaignRequest(campaign_id=CAMPAIGN, campaign=wanted)
        created: campaign_pb2.Campaign = self.call("Campaign.CreateCampaign", request)
        return created

    def resume(self) -> campaign_pb2.Campaign:
        """Let it run."""
        request = campaign_service_pb2.ResumeCampaignRequest(name=PARENT)
        return self.call("Campaign.ResumeCampaign", request)  # type: ignore[no-any-return]

    def get(self) -> campaign_pb2.Campaign:
        """Read the campaign."""
        return self.call("Campaign.GetCampaign", campaign_service_pb2.GetCampaignRequest(name=PARENT))  # type: ignore[no-any-return]

    def progress(self) -> campaign_service_pb2.CampaignProgress:
        """Count what it knows of the campaign."""
        request = campaign_service_pb2.GetCampaignProgressRequest(name=PARENT)
        return self.call("Campaign.GetCampaignProgress", request)  # type: ignore[no-any-return]

    def put(self, *numbers: int, text: str = "") -> None:
        """Put images into the pool."""
        for number in numbers:
            path = self.pool_folder / key(number)
            path.parent.mkdir(exist_ok=True)
            path.write_text(text or f"image {number}")

    def import_all(self, **listing: Any) -> image_service_pb2.ImportImagesResponse:
        """Register every image of the pool, and say what the job says."""
        request = image_service_pb2.ImportImagesRequest(
            parent=PARENT, listing=image_service_pb2.ImportImagesRequest.Listing(**listing)
        )
        return self.run_import(request)

    def run_import(
        self, request: image_service_pb2.ImportImagesRequest
    ) -> image_service_pb2.ImportImagesResponse:
        """Run an import to its end."""
        operation = self.call("Image.ImportImages", request)
        while self.jobs.step():
            pass
        ended = self.call(".get", operations_pb2.GetOperationRequest(name=operation.name))
        said = image_service_pb2.ImportImagesResponse()
        assert ended.response.Unpack(said), f"the import ended otherwise: {ended}"
        return said

    def vendor(self, name: str = "acme", max_leases: int = 0) -> Principal:
        """Create a vendor for the campaign."""
        wanted = vendor_service_pb2.Vendor(campaigns=[PARENT], max_leases=max_leases)
        self.call(
            "Vendor.CreateVendor", vendor_service_pb2.CreateVendorRequest(vendor_id=name, vendor=wanted)
        )
        return Principal(f"vendors/{name}", Role.VENDOR, frozenset({CAMPAIGN}))

    def publish(self, version: int, score: float | None, promoted: bool = True) -> None:
        """Say that the trainer made a version."""
        self.say(events.ModelPublished(campaign=CAMPAIGN, version=version, promoted=promoted, score=score))

    def change(self, **fields: Any) -> campaign_pb2.Campaign:
        """Change what it is given of the campaign."""
        wanted = campaign_pb2.Campaign(name=PARENT, **fields)
        request = campaign_service_pb2.UpdateCampaignRequest(campaign=wanted)
        return self.call("Campaign.UpdateCampaign", request)  # type: ignore[no-any-return]

    def pause(self) -> campaign_pb2.Campaign:
        """Stop selecting and leasing for a while."""
        request = campaign_service_pb2.PauseCampaignRequest(name=PARENT)
        return self.call("Campaign.PauseCampaign", request)  # type: ignore[no-any-return]

    def stop(self) -> campaign_pb2.Campaign:
        """Stop it for good."""
        request = campaign_service_pb2.StopCampaignRequest(name=PARENT)
        return self.call("Campaign.StopCampaign", request)  # type: ignore[no-any-return]

    def batch(self, number: int) -> batch_service_pb2.Batch:
        """Read a batch."""
        request = batch_service_pb2.GetBatchRequest(name=f"{PARENT}/batches/{number}")
        return self.call("Batch.GetBatch", request)  # type: ignore[no-any-return]

    def causes(self) -> Sequence[Cause]:
        """Read why the campaign stands where it stands, as far as this service itself knows."""
        with self.database.read() as tx:
            return explain(tx, CAMPAIGN)

    def manifest(self, *lines: str) -> image_service_pb2.ImportImagesResponse:
        """Import a manifest of these lines."""
        (self.pool_folder / "list.csv").write_text("\r\n".join(lines))
        request = image_service_pb2.ImportImagesRequest(parent=PARENT)
        request.manifest.key = "list.csv"
        return self.run_import(request)

    def select(self, batch: int, *numbers: int) -> None:
        """Say that acquisition selected images."""
        chosen = [events.SelectedImage(image=image(number)) for number in numbers]
        self.say(events.BatchSelected(campaign=CAMPAIGN, batch=batch, version=1, images=chosen))

    def lease(
        self,
        most: int = 10,
        by: Principal = VENDOR,
        seconds: float = 60,
        request: str = "",
        annotator: str = "ann",
    ) -> list[Task]:
        """Lease tasks."""
        duration = Duration()
        duration.FromMicroseconds(round(seconds * 1e6))
        asked = labelling_service_pb2.LeaseTasksRequest(
            parent=PARENT, max_tasks=most, lease_duration=duration, annotator=annotator, request_id=request
        )
        return list(self.call("Labelling.LeaseTasks", asked, by).tasks)

    def submit(
        self, leased: Sequence[Task], *labels: str, by: Principal = VENDOR, request: str = ""
    ) -> labelling_service_pb2.SubmitAnnotationsResponse:
        """Submit the same labels for every task."""
        verdicts = [campaign_pb2.LabelVerdict(label=label, verdict=POSITIVE) for label in labels]
        asked = labelling_service_pb2.SubmitAnnotationsRequest(
            parent=PARENT,
            annotations=[
                labelling_service_pb2.Annotation(task=task.name, lease=task.lease, verdicts=verdicts)
                for task in leased
            ],
            request_id=request or request_id(),
        )
        return self.call("Labelling.SubmitAnnotations", asked, by)  # type: ignore[no-any-return]

    def skip(self, task: Task, by: Principal = VENDOR) -> Task:
        """Skip a task."""
        asked = labelling_service_pb2.SkipTaskRequest(name=task.name, lease=task.lease, reason="clouds")
        return self.call("Labelling.SkipTask", asked, by)  # type: ignore[no-any-return]

    def give_back(self, leased: Sequence[Task], by: Principal = VENDOR) -> None:
        """Release tasks."""
        asked = labelling_service_pb2.ReleaseTasksRequest(parent=PARENT, leases=claims(leased))
        self.call("Labelling.ReleaseTasks", asked, by)

    def extend(self, leased: Sequence[Task], by: Principal = VENDOR) -> list[Task]:
        """Extend leases by a minute."""
        asked = labelling_service_pb2.ExtendLeasesRequest(
            parent=PARENT, leases=claims(leased), lease_duration=Duration(seconds=60)
        )
        return list(self.call("Labelling.ExtendLeases", asked, by).tasks)

    def quarantine(self, number: int, version: int = 1, reason: str = "UNREADABLE") -> None:
        """Say that embedding cannot read an image."""
        event = events.ImageQuarantined(
            campaign=CAMPAIGN,
            image=image(number),
            image_version=version,
            reason=reason,
            detail="broken",
        )
        self.say(event)


@contextmanager
def opened(folder: Path, admin_url: str | None = None) -> Iterator[World]:
    """Make a world on a fresh SQLite file, or in a fresh database of a PostgreSQL server."""
    if admin_url is None:
        clock: Clock = ManualClock()
        url = f"sqlite:///{folder}/label_store.db"
    else:
        clock = SystemClock()
        url = provision(admin_url, app.NAME, "secret")
    database = Database(url, schema=app.NAME, clock=clock)
    migrate(database, "aloft.label_store")
    world = World(database, folder, clock)
    try:
        yield world
    finally:
        world.close()
        database.close()


def reopened(folder: Path, clock: ManualClock, pool: Path) -> World:
    """Open the SQLite world that lies in a folder, as a new process would."""
    database = Database(f"sqlite:///{folder}/label_store.db", schema=app.NAME, clock=clock)
    return World(database, folder, clock, pool)


def claims(leased: Sequence[Task]) -> list[labelling_service_pb2.TaskLease]:
    """Name tasks and the leases on them."""
    return [labelling_service_pb2.TaskLease(task=task.name, lease=task.lease) for task in leased]


def check(world: World) -> None:
    """Find every promise about tasks, batches and labels kept, in the tables and in what was announced."""
    labels = _check_labels(world)
    _check_tasks(world)
    _check_batches(world, labels)


def _check_labels(world: World) -> dict[str, int]:
    campaign = world.rows(tables.campaigns)[0]
    committed = world.announced(events.LabelsCommitted)
    revisions = [event.label_revision for event in committed]
    assert revisions == list(range(1, campaign.label_revision + 1)), (
        f"revisions have gaps or disorder: {revisions}"
    )
    said = Counter(each.image for event in committed for each in event.label_sets)
    kept = {row.id: row.label_set_version for row in world.rows(tables.images) if row.label_set_version}
    assert kept == dict(said), "label sets are not what was announced"
    annotated = world.rows(tables.annotations)
    out = {row.image for row in world.rows(tables.tasks) if row.state == "open"}
    assert {row.image for row in annotated} <= kept.keys() | out, "an annotation came to nothing"
    charged = {
        row.image for row in world.rows(tables.batch_images) if row.batch and row.outcome == "labelled"
    }
    assert campaign.labelled_images == len(charged), "labelled images are miscounted"
    paid = [row for row in annotated if not row.task.startswith("0-")]
    assert campaign.annotations == len(paid), "annotations are miscounted"
    _check_consensus(world)
    return kept


def _check_consensus(world: World) -> None:
    said: dict[str, list[dict[str, int]]] = {}
    for row in world.rows(tables.annotations):
        said.setdefault(row.image, []).append(row.verdicts)
    for row in world.rows(tables.images):
        if row.label_set_version and row.id in said:
            agreed = verdicts.consensus(said[row.id], LABELS)
            assert row.verdicts == agreed, f"{row.id} is not what its annotators agree on"


def _check_tasks(world: World) -> None:
    tasks = world.rows(tables.tasks)
    (overlap,) = {campaign_pb2.Campaign.FromString(row.spec).overlap for row in world.rows(tables.campaigns)}
    done = {row.id for row in tasks if row.state == "done"}
    assert done == {row.task for row in world.rows(tables.annotations)}, (
        "a done task and its annotation go together"
    )
    sent = Counter((row.batch, row.image) for row in tasks)
    assert set(sent.values()) <= {overlap}, "an image has other than one task for each annotator"
    out = {(row.image, row.batch) for row in tasks if row.state == "open"}
    assert len(out) == len({one for one, _ in out}), "an image is out with two batches"
    named = {(row.id, row.batch) for row in world.rows(tables.images) if row.batch is not None}
    assert named == out, "images and tasks disagree"
    annotators = Counter((row.image, row.vendor, row.annotator) for row in world.rows(tables.annotations))
    assert all(times == 1 for times in annotators.values()), f"somebody labelled an image twice: {annotators}"


def _outcomes(states: Counter[str]) -> set[str]:
    """Say what may have become of an image with tasks in these states."""
    if states["open"]:
        return {"open", "outstanding"}
    if states["done"]:
        return {"labelled"}
    return {"skipped"} if states["skipped"] else {"superseded", "released", "skipped"}


def _check_batches(world: World, labels: dict[str, int]) -> None:
    closed = {event.batch: event for event in world.announced(events.BatchClosed)}
    assert len(closed) == len(world.announced(events.BatchClosed)), "a batch was closed twice"
    released = Counter(
        (event.batch, one) for event in world.announced(events.ImageReleased) for one in event.images
    )
    assert all(count == 1 for count in released.values()), "an image was released twice from a batch"
    states: defaultdict[tuple[int, str], Counter[str]] = defaultdict(Counter)
    for row in world.rows(tables.tasks):
        states[row.batch, row.image][row.state] += 1
    of_batch: dict[int, dict[str, str]] = {row.number: {} for row in world.rows(tables.batches)}
    for row in world.rows(tables.batch_images):
        of_batch[row.batch][row.image] = row.outcome
        became = states[row.batch, row.image]
        assert row.outcome in _outcomes(became), f"{row} with tasks {dict(became)}"
    for row in world.rows(tables.batches):
        outcomes = of_batch[row.number]
        counts = Counter(outcomes.values())
        assert (row.labelled_images, row.skipped_images, row.superseded_images) == (
            counts["labelled"],
            counts["skipped"],
            counts["superseded"],
        ), f"batch {row.number} is miscounted"
        assert (row.number in closed) == bool(row.close_reason), f"batch {row.number} and its closing"
        if row.number in closed:
            _check_closing(closed[row.number], outcomes, released, labels)
        else:
            assert set(outcomes.values()) <= {"open", "labelled", "skipped"}, f"{outcomes} in an open batch"


def _check_closing(
    event: events.BatchClosed, outcomes: dict[str, str], released: Counter[Any], labels: dict[str, int]
) -> None:
    assert set(event.accepted) == set(outcomes), "the closing names other images than the batch had"
    learns = event.batch > 0 and event.reason != "SUPERSEDED" and bool(event.labelled)
    assert event.train == learns, f"batch {event.batch}, {event.reason}: train is {event.train}"
    at_closing = {
        **dict.fromkeys(event.labelled, "labelled"),
        **dict.fromkeys(event.skipped, "skipped"),
        **dict.fromkeys(event.superseded, "superseded"),
        **dict.fromkeys(event.outstanding, "outstanding"),
    }
    named = len(event.labelled) + len(event.skipped) + len(event.superseded) + len(event.outstanding)
    assert named == len(at_closing), "the closing names an image twice"
    for one, now in outcomes.items():
        then = at_closing.get(one, "released")
        was_released = (event.batch, one) in released
        if then == "outstanding":
            assert now in {"outstanding", "labelled", "released", "skipped"}, f"outstanding became {now}"
            gone = event.batch > 0 and now in {"released", "skipped"}
            assert was_released == gone, f"{one} ended as {now}, released: {was_released}"
        else:
            assert now == then, f"{one} was {then} at the closing and is {now}"
            gone = event.batch > 0 and now in {"released", "superseded"}
            assert was_released == gone, f"{now}, released: {was_released}"
        assert now != "labelled" or one in labels, f"{one} is labelled without a label set"


def ready(world: World, images: int = 8, **campaign: object) -> None:
    """Have a running campaign with registered images and a vendor."""
    world.campaign(**campaign)
    world.put(*range(images))
    world.import_all()
    world.vendor()
    world.resume()
