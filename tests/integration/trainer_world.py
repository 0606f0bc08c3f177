"""The trainer alone: a test says what other services would, and reads the outbox and the bucket."""

import io
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa
from google.protobuf.message import Message
from PIL import Image

from aloft.api.events.v1 import events_pb2 as events
from aloft.api.labels.v1 import campaign_pb2 as labels
from aloft.api.trainer.v1 import trainer_service_pb2 as api
from aloft.kit.bus import tables
from aloft.kit.bus.context import Context
from aloft.kit.database import Database, migrate
from aloft.kit.explaining import Cause
from aloft.kit.ids import image_id
from aloft.kit.jobs import Handler, Jobs, JobWorker
from aloft.kit.objects.directory import DirectoryObjects
from aloft.kit.objects.port import Objects
from aloft.kit.rpc.call import Call, Principal, Role
from aloft.trainer.domain.runs import BASE, FINE_TUNE
from aloft.trainer.explaining import explain
from aloft.trainer.handlers import EventHandlers
from aloft.trainer.servicers import TrainerServicer
from aloft.trainer.use_cases.fine_tune import FineTune
from aloft.trainer.use_cases.follow_up import FOLLOW_UP, FollowUp
from aloft.trainer.use_cases.make_base import MakeBase
from aloft.trainer.use_cases.means import Means, Options
from tests.contract.databases import place

CAMPAIGN = "c"
PARENT = f"campaigns/{CAMPAIGN}"
LABELS = ("bright", "dark", "striped")
OPERATOR = Principal("operators/o", Role.OPERATOR)
RUNNING, PAUSED, STOPPED = (
    labels.Campaign.STATE_RUNNING,
    labels.Campaign.STATE_PAUSED,
    labels.Campaign.STATE_STOPPED,
)
POOL, VALIDATION, TEST = labels.SPLIT_POOL, labels.SPLIT_VALIDATION, labels.SPLIT_TEST


def picture(number: int) -> tuple[bytes, tuple[str, ...]]:
    """Draw an image that no other number gives, and say which labels it has."""
    drawn = np.random.default_rng(number)
    bright, striped = number % 2 == 0, number % 3 == 0
    pixels = drawn.integers(140, 240, (16, 16, 3)) if bright else drawn.integers(10, 110, (16, 16, 3))
    if striped:
        pixels[::4] = 255 - pixels[::4]
    file = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(file, "PNG")
    return file.getvalue(), ("bright" if bright else "dark", *(["striped"] if striped else []))


class World:
    """One campaign."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        (folder / "pool").mkdir(exist_ok=True)
        self.bucket = folder / "pool"
        self.objects = DirectoryObjects(folder / "objects")
        self.pool: Objects = DirectoryObjects(folder / "pool", read_only=True)
        self.jobs = Jobs(self.database)
        self.servicer = TrainerServicer(self.database, self.jobs, self.objects)
        self.cache = folder / "temp"
        self.checkpoint_every_s = 0.0
        self.revision = 0
        self.registered: dict[str, str] = {}
        """Keys by image."""

    def hear(self, event: Message) -> None:
        """Handle an event."""
        handlers = EventHandlers(self.jobs, self.objects).by_event()
        with self.database.transaction() as tx:
            context = Context("e", "t", CAMPAIGN, "", tx.now(), "", 1)
            handlers[type(event)](tx, event, context)

    def campaign(
        self,
        version: int,
        state: labels.Campaign.State.ValueType = RUNNING,
        *,
        bands: int = 3,
        training: Mapping[str, Any] | None = None,
        gate: Mapping[str, float] | None = None,
        evaluation_images: int = 0,
        strategy: str = "random",
        **base: Any,
    ) -> None:
        """Say how the campaign is."""
        short = {"steps": 3, "batch_images": 4, "seed": 1, **(training or {})}
        campaign = labels.Campaign(
            name=PARENT,
            version=version,
            state=state,
            taxonomy=labels.Taxonomy(labels=[labels.Label(id=label) for label in LABELS]),
            image_spec=labels.ImageSpec(height=16, width=16, bands=bands),
            base_model=labels.BaseModel(
                **{"architecture": "tiny", **(base or {"seed": 5})},
            ),
            training=labels.Training(**short),
            gate=labels.Gate(**(gate or {})),
            strategy=labels.Strategy(expression=strategy),
        )
        if evaluation_images:
            campaign.held_out.evaluation_images = evaluation_images
        self.hear(events.CampaignChanged(campaign=campaign))

    def register(
        self, numbers: Iterable[int], split: labels.Split.ValueType = POOL, version: int = 1
    ) -> list[str]:
        """Put images into the pool bucket, and say that they are registered."""
        said = []
        for number in numbers:
            key = f"{number}.png"
            (self.bucket / key).write_bytes(picture(number)[0])
            self.registered[image_id(key)] = key
            said.append(
                events.RegisteredImage(
                    image=image_id(key),
                    key=key,
                    object_etag=self.pool.stat(key).etag,
                    split=split,
                    version=version,
                )
            )
        self.hear(events.ImageRegistered(campaign=CAMPAIGN, images=said))
        return [each.image for each in said]

    def label(
        self, numbers: Iterable[int], split: labels.Split.ValueType = POOL, revision: int | None = None
    ) -> int:
        """Register images and say what their labels are: one revision."""
        numbers = list(numbers)
        self.register(numbers, split)
        self.revision = revision or self.revision + 1
        self.hear(committed(self.revision, {number: picture(number)[1] for number in numbers}, split))
        return self.revision

    def close(self, batch: int = 1, revision: int | None = None, *, train: bool = True) -> None:
        """Say that a batch has closed."""
        self.hear(
            events.BatchClosed(
                campaign=CAMPAIGN, batch=batch, label_revision=revision or self.revision, train=train
            )
        )

    def means(self, objects: Any = None, pool: Any = None) -> Means:
        """What jobs work with."""
        options = Options(
            self.cache,
            device="cpu",
            torch_threads=1,
            pretraining_threads=1,
            reader_threads=2,
            checkpoint_every_s=self.checkpoint_every_s,
            beat_s=0.0,
        )
        return Means(self.database, objects or self.objects, pool or self.pool, self.jobs, options)

    def work(self, objects: Any = None, pool: Any = None, *, worker: str = "w") -> list[str]:
        """Do every job that is due; name the runs among them."""
        means, done = self.means(objects, pool), list[str]()

        def counted(name: str, work: Handler) -> Handler:
            def handle(lease: Any) -> Any:
                done.append(name)
                return work(lease)

            return handle

        kinds: dict[str, Handler] = {
            BASE: MakeBase(means),
            FINE_TUNE: FineTune(means),
            FOLLOW_UP: FollowUp(means),
        }
        handlers = {name: counted(name, work) for name, work in kinds.items()}
        steps = JobWorker(self.jobs, handlers, worker)
        while steps.step():
            assert len(done) < 50, f"jobs queue one another for ever: {done}"
        return [name for name in done if name != FOLLOW_UP]

    def published(self) -> list[events.ModelPublished]:
        """Read what was announced."""
        with self.database.read() as tx:
            rows = tx.execute(sa.select(tables.outbox.c.payload).order_by(tables.outbox.c.id))
            return [events.ModelPublished.FromString(row[0]) for row in rows]

    def card(self, event: events.ModelPublished) -> dict[str, Any]:
        """Read a version's card."""
        card: dict[str, Any] = json.loads(self.objects.get(event.card_key))
        return card

    def causes(self) -> dict[str, Cause]:
        """Ask what the trainer waits for, by code."""
        with self.database.read() as tx:
            return {cause.code: cause for cause in explain(self.jobs)(tx, CAMPAIGN)}

    def create(self, run: api.Run, request_id: str = "") -> api.Run:
        """Ask for another run."""
        request = api.CreateRunRequest(parent=PARENT, run=run, request_id=request_id)
        return self.servicer.CreateRun(request, Call.by(OPERATOR))

    def create_base(self, base: api.BaseRun | None = None, request_id: str = "") -> api.Run:
        """Ask for another base version."""
        return self.create(api.Run(base=base or api.BaseRun()), request_id)

    def cancel(self, number: int) -> api.Run:
        """Ask for a run to be cancelled."""
        request = api.CancelRunRequest(name=f"{PARENT}/runs/{number}")
        return self.servicer.CancelRun(request, Call.by(OPERATOR))

    def run(self, number: int = 1) -> api.Run:
        """Ask for a run."""
        return self.servicer.GetRun(api.GetRunRequest(name=f"{PARENT}/runs/{number}"), Call.by(OPERATOR))

    def model(self, number: int = 1) -> api.Model:
        """Ask for a version."""
        request = api.GetModelRequest(name=f"{PARENT}/models/{number}")
        return self.servicer.GetModel(request, Call.by(OPERATOR))

    def training(self) -> api.Training:
        """Ask where the training stands."""
        request = api.GetTrainingRequest(name=f"{PARENT}/training")
        return self.servicer.GetTraining(request, Call.by(OPERATOR))

    def left(self, version: int) -> list[str]:
        """Name the objects of a version."""
        prefix = f"{PARENT}/models/{version}/"
        return sorted(found.key.removeprefix(prefix) for found in self.objects.list(prefix))


def committed(
    revision: int,
    said: Mapping[int, Iterable[str]],
    split: labels.Split.ValueType = POOL,
    version: int = 1,
    unsure: Iterable[str] = (),
) -> events.LabelsCommitted:
    """Say the label sets of a revision, by the numbers of images."""
    sets = [
        events.CommittedLabelSet(
            image=image_id(f"{number}.png"),
            version=version,
            split=split,
            verdicts=[
                *(labels.LabelVerdict(label=label, verdict=labels.VERDICT_POSITIVE) for label in positive),
                *(labels.LabelVerdict(label=label, verdict=labels.VERDICT_UNSURE) for label in unsure),
            ],
        )
        for number, positive in said.items()
    ]
    return events.LabelsCommitted(campaign=CAMPAIGN, label_revision=revision, label_sets=sets)


@contextmanager
def world_on(folder: Path, admin_url: str | None = None) -> Iterator[World]:
    """Make a world on a database of its own."""
    with place(folder, admin_url) as made:
        database = made.open()
        migrate(database, "aloft.trainer")
        yield World(database, folder)
