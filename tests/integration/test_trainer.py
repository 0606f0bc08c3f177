"""The trainer against a database and its bucket: base versions, runs, and what operators are told."""

import json
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from aloft.api.events.v1 import events_pb2 as events
from aloft.api.labels.v1 import campaign_pb2 as labels
from aloft.api.trainer.v1 import trainer_service_pb2 as api
from aloft.kit.bus import tables
from aloft.kit.bus.context import Context, Poison
from aloft.kit.database import Database, migrate
from aloft.kit.errors import FailedPrecondition, InvalidArgument, NotFound
from aloft.kit.jobs import Jobs, JobWorker
from aloft.kit.objects.digests import sha256_hex
from aloft.kit.objects.directory import DirectoryObjects
from aloft.kit.objects.errors import StoreUnavailable
from aloft.kit.rpc.call import Call, Principal, Role
from aloft.networks import backbone_digest, build, load_weights, save_weights
from aloft.trainer.handlers import EventHandlers
from aloft.trainer.servicer import TrainerServicer
from aloft.trainer.store.tables import METADATA
from aloft.trainer.use_cases.create_run import BASE
from aloft.trainer.use_cases.make_base import MakeBase
from tests.contract.databases import ADAPTERS, place

CAMPAIGN = "c"
PARENT = f"campaigns/{CAMPAIGN}"
OPERATOR = Principal("operators/o", Role.OPERATOR)
RUNNING, PAUSED = labels.Campaign.STATE_RUNNING, labels.Campaign.STATE_PAUSED


class World:
    """One campaign; the test says what the label store would."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.objects = DirectoryObjects(folder / "objects")
        self.jobs = Jobs(self.database)
        self.servicer = TrainerServicer(self.database, self.jobs)

    def campaign(self, version: int, state: labels.Campaign.State.ValueType = RUNNING, **base: Any) -> None:
        """Say how the campaign is."""
        campaign = labels.Campaign(
            name=PARENT,
            version=version,
            state=state,
            image_spec=labels.ImageSpec(height=16, width=16, bands=base.pop("bands", 3)),
            base_model=labels.BaseModel(**{"architecture": "tiny", "seed": 5, **base}),
        )
        handlers = EventHandlers(self.jobs).by_event()
        with self.database.transaction() as tx:
            context = Context("e", "t", CAMPAIGN, "", tx.now(), "", 1)
            handlers[events.CampaignChanged](tx, events.CampaignChanged(campaign=campaign), context)

    def work(self, objects: Any = None) -> int:
        """Do every job that is due; say how many there were."""
        make = MakeBase(self.database, objects or self.objects)
        worker, count = JobWorker(self.jobs, {BASE: make}, "w"), 0
        while worker.step():
            count += 1
            assert count < 50, "jobs queue one another for ever"
        return count

    def published(self) -> list[events.ModelPublished]:
        """Read what was announced."""
        with self.database.read() as tx:
            rows = tx.execute(sa.select(tables.outbox.c.payload).order_by(tables.outbox.c.id))
            return [events.ModelPublished.FromString(row[0]) for row in rows]

    def create(self, base: api.BaseRun | None = None, request_id: str = "") -> api.Run:
        """Ask for another base version."""
        request = api.CreateRunRequest(
            parent=PARENT, run=api.Run(base=base or api.BaseRun()), request_id=request_id
        )
        return self.servicer.CreateRun(request, Call.by(OPERATOR))

    def run(self, number: int = 1) -> api.Run:
        """Ask for a run."""
        return self.servicer.GetRun(api.GetRunRequest(name=f"{PARENT}/runs/{number}"), Call.by(OPERATOR))

    def training(self) -> api.Training:
        """Ask where the training stands."""
        request = api.GetTrainingRequest(name=f"{PARENT}/training")
        return self.servicer.GetTraining(request, Call.by(OPERATOR))


@pytest.fixture(params=ADAPTERS)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    on_postgres = request.param == "postgresql"
    admin_url = request.getfixturevalue("postgres_database") if on_postgres else None
    with place(request.param, tmp_path, admin_url) as made:
        database = made.open()
        migrate(database, "aloft.trainer")
        yield World(database, tmp_path)


def test_the_migration_makes_the_tables_that_the_code_declares(world: World) -> None:
    with world.database.transaction() as tx:
        context = MigrationContext.configure(
            tx.connection,
            opts={"include_name": lambda name, kind, _: kind != "table" or name in METADATA.tables},
        )
        assert compare_metadata(context, METADATA) == []


def test_a_campaign_that_first_runs_gets_its_base_version(world: World) -> None:
    world.campaign(1, PAUSED)
    assert world.work() == 0, "a campaign that has never run needs no version"
    world.campaign(2)
    world.work()
    (event,) = world.published()
    backbone = build("tiny", seed=5)
    assert (event.campaign, event.version, event.promoted, event.base) == (CAMPAIGN, 1, True, True)
    assert (event.architecture, event.feature_size) == ("tiny", 32)
    assert event.backbone_digest == backbone_digest(backbone)
    weights = world.objects.get(event.artefact_key)
    assert weights == save_weights(backbone)
    assert event.artefact_digest == sha256_hex(weights)
    assert event.artefact_key == f"campaigns/c/models/1/weights-{event.artefact_digest}.safetensors"


def test_the_card_says_how_the_version_was_made(world: World) -> None:
    world.campaign(1)
    world.work()
    (event,) = world.published()
    data = world.objects.get(event.card_key)
    assert event.card_key == f"campaigns/c/models/1/card-{sha256_hex(data)}.json"
    card = json.loads(data)
    assert card["source"] == {"seed": 5}
    assert card["artefact_digest"] == event.artefact_digest
    assert card["image_spec"]["height"] == 16
    assert card["code_version"]
    unknown = ["parent", "data_snapshot_digest", "strategy", "temperature", "thresholds"]
    assert [card[name] for name in unknown] == [None] * 5


def test_a_campaign_that_runs_again_keeps_its_version(world: World) -> None:
    for version, state in enumerate([RUNNING, PAUSED, RUNNING, RUNNING], start=1):
        world.campaign(version, state)
        world.work()
    assert len(world.published()) == 1


def test_older_news_of_a_campaign_are_ignored(world: World) -> None:
    world.campaign(2, PAUSED)
    world.campaign(1, RUNNING)
    assert world.work() == 0


def test_a_seed_of_sixty_four_bits_is_taken(world: World) -> None:
    world.campaign(1, seed=2**64 - 1)
    world.work()
    assert world.published()[0].backbone_digest == backbone_digest(build("tiny", seed=2**64 - 1))


def test_a_checkpoint_becomes_the_base_version(world: World) -> None:
    weights = save_weights(build("tiny", seed=77))
    world.objects.put("checkpoints/mine.safetensors", weights)
    world.campaign(1, checkpoint_key="checkpoints/mine.safetensors")
    world.work()
    (event,) = world.published()
    assert event.backbone_digest == backbone_digest(build("tiny", seed=77))
    loaded = load_weights(build("tiny"), world.objects.get(event.artefact_key))
    assert backbone_digest(loaded) == event.backbone_digest
    card = json.loads(world.objects.get(event.card_key))
    assert card["source"] == {
        "checkpoint_key": "checkpoints/mine.safetensors",
        "checkpoint_digest": sha256_hex(weights),
    }


@pytest.mark.parametrize(
    ("base", "reason"),
    [
        ({"checkpoint_key": "not/there.safetensors"}, "CHECKPOINT_MISSING: .*'not/there.safetensors'"),
        ({"checkpoint_key": "bad//key"}, "CHECKPOINT_MISSING: "),
        ({"checkpoint_key": "small.safetensors", "bands": 4}, r"CHECKPOINT_DOES_NOT_FIT: .*stem\.weight"),
        ({"checkpoint_key": "text.safetensors"}, "CHECKPOINT_DOES_NOT_FIT: .*not a safetensors file"),
        ({"architecture": "nonsense"}, "UNKNOWN_ARCHITECTURE: .*'nonsense'"),
    ],
)
def test_a_base_version_that_cannot_be_made_fails_with_its_reason(
    world: World, base: dict[str, Any], reason: str
) -> None:
    world.objects.put("small.safetensors", save_weights(build("tiny", bands=3)))
    world.objects.put("text.safetensors", b"hello")
    world.campaign(1, **base)
    assert world.work() == 1, "what no retry mends must not be retried"
    run = world.run()
    assert run.state == api.Run.STATE_FAILED
    assert re.search(reason, run.error), run.error
    assert re.match(f"another run, .*: run 1 failed: {reason}", world.training().waiting_for)
    assert world.published() == []


def test_after_a_failure_an_operator_creates_another_run_and_the_gap_stays(world: World) -> None:
    world.campaign(1, architecture="nonsense")
    world.work()
    run = world.create(api.BaseRun(architecture="tiny", seed=3))
    assert (run.name, run.model_version, run.state) == ("campaigns/c/runs/2", 2, api.Run.STATE_QUEUED)
    world.work()
    assert [event.version for event in world.published()] == [2]
    assert world.training() == api.Training(
        name="campaigns/c/training", newest_version=2, promoted_version=2, runs=2
    )


def test_a_run_takes_from_its_campaign_what_it_does_not_say(world: World) -> None:
    world.campaign(1)
    world.work()
    run = world.create()
    assert run.base == api.BaseRun(architecture="tiny", seed=5)
    assert world.create(api.BaseRun(seed=9)).base == api.BaseRun(architecture="tiny", seed=9)


def test_a_repeated_request_makes_one_run(world: World) -> None:
    world.campaign(1)
    request_id = str(uuid.uuid4())
    assert world.create(request_id=request_id) == world.create(request_id=request_id)
    assert world.training().runs == 2
    with pytest.raises(FailedPrecondition, match="another request"):
        world.create(api.BaseRun(seed=9), request_id=request_id)


def test_a_store_that_is_away_fails_no_run(world: World) -> None:
    class Away:
        def put(self, *_: Any, **__: Any) -> None:
            raise StoreUnavailable("the store does not answer")

    world.campaign(1)
    for _ in range(8):
        world.work(Away())
        world.database.advance(400)
    assert "the store does not answer" in world.training().waiting_for
    assert world.run().state == api.Run.STATE_QUEUED
    world.work()
    assert world.run().state == api.Run.STATE_SUCCEEDED


def test_a_run_that_was_killed_at_any_put_ends_with_its_one_version(world: World) -> None:
    class Killed(BaseException):
        pass

    class Dying:
        def __init__(self, objects: Any, before: int) -> None:
            self.objects, self.left = objects, before

        def put(self, *arguments: Any, **named: Any) -> Any:
            self.left -= 1
            if self.left == 0:
                raise Killed
            answer = self.objects.put(*arguments, **named)
            if self.left == 1:
                raise Killed
            return answer

    world.campaign(1)
    for before in (1, 2, 3):
        with pytest.raises(Killed):
            world.work(Dying(world.objects, before))
        world.database.advance(60)
    world.work()
    (event,) = world.published()
    keys = [found.key for found in world.objects.list("campaigns/c/models/1/")]
    assert sorted(keys) == sorted([event.artefact_key, event.card_key]), (
        "attempts must share what is the same"
    )


def test_a_queued_run_is_cancelled(world: World) -> None:
    world.campaign(1)
    cancelled = world.servicer.CancelRun(api.CancelRunRequest(name=f"{PARENT}/runs/1"), Call.by(OPERATOR))
    assert cancelled.state == api.Run.STATE_CANCELLED
    assert cancelled.HasField("end_time")
    assert world.work() == 0
    assert world.training().waiting_for == "another run, to be created by an operator: run 1 cancelled"


def test_runs_and_models_are_listed_newest_first_page_by_page(world: World) -> None:
    world.campaign(1)
    for _ in range(4):
        world.create()
    world.work()
    lists: list[tuple[Any, Any, str]] = [
        (world.servicer.ListRuns, api.ListRunsRequest, "runs"),
        (world.servicer.ListModels, api.ListModelsRequest, "models"),
    ]
    for method, request, what in lists:
        seen: list[str] = []
        token = ""
        while True:
            asked = request(parent=PARENT, page_size=2, page_token=token)
            answer = method(asked, Call.by(OPERATOR))
            seen += [each.name for each in getattr(answer, what)]
            token = answer.next_page_token
            if not token:
                break
        assert seen == [f"{PARENT}/{what}/{number}" for number in (5, 4, 3, 2, 1)]


def test_a_model_is_described(world: World) -> None:
    world.campaign(1)
    world.work()
    (event,) = world.published()
    model = world.servicer.GetModel(api.GetModelRequest(name=f"{PARENT}/models/1"), Call.by(OPERATOR))
    for name in (
        "version",
        "base",
        "promoted",
        "architecture",
        "artefact_key",
        "backbone_digest",
        "card_key",
    ):
        assert getattr(model, name) == getattr(event, name), name


def test_the_training_says_what_it_waits_for(world: World) -> None:
    with pytest.raises(NotFound):
        world.training()
    world.campaign(1, PAUSED)
    assert world.training().waiting_for.startswith("the campaign to be resumed")
    world.campaign(2)
    assert world.training().waiting_for == "run 1: it is queued"
    lease = world.jobs.claim([BASE], "w", 30)
    assert lease is not None
    lease.heartbeat(stage="making the weights")
    assert world.training().waiting_for == "run 1, which is at work: making the weights"


def test_what_does_not_exist_is_not_found(world: World) -> None:
    world.campaign(1)
    call = Call.by(OPERATOR)
    with pytest.raises(NotFound):
        world.run(9)
    with pytest.raises(NotFound):
        world.servicer.GetModel(api.GetModelRequest(name=f"{PARENT}/models/1"), call)
    with pytest.raises(NotFound):
        world.servicer.ListRuns(api.ListRunsRequest(parent="campaigns/other"), call)
    with pytest.raises(InvalidArgument):
        world.servicer.GetModel(api.GetModelRequest(name=f"{PARENT}/models/one"), call)
    with pytest.raises(InvalidArgument, match=r"run\.base"):
        world.servicer.CreateRun(api.CreateRunRequest(parent=PARENT), call)


def test_a_specification_that_makes_no_sense_is_poison(world: World) -> None:
    with pytest.raises(Poison, match="bands"):
        world.campaign(1, bands=-1)
