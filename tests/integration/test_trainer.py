"""The trainer against a database and its bucket: base versions, runs, and what operators are told."""

import json
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from aloft.api.trainer.v1 import trainer_service_pb2 as api
from aloft.kit.bus.context import Poison
from aloft.kit.errors import FailedPrecondition, InvalidArgument, NotFound
from aloft.kit.objects.digests import sha256_hex
from aloft.kit.objects.errors import StoreUnavailable
from aloft.kit.rpc.call import Call
from aloft.networks import backbone_digest, build, load_weights, save_weights
from aloft.serving.archive import read_archive
from aloft.trainer.domain.runs import BASE
from aloft.trainer.store.tables import METADATA
from tests.integration.trainer_world import CAMPAIGN, OPERATOR, PARENT, PAUSED, RUNNING, World, world_on


@pytest.fixture
def world(admin_url: str | None, tmp_path: Path) -> Iterator[World]:
    with world_on(tmp_path, admin_url) as made:
        yield made


def test_the_migration_makes_the_tables_that_the_code_declares(world: World) -> None:
    with world.database.transaction() as tx:
        context = MigrationContext.configure(
            tx.connection,
            opts={"include_name": lambda name, kind, _: kind != "table" or name in METADATA.tables},
        )
        assert compare_metadata(context, METADATA) == []


def test_a_campaign_that_first_runs_gets_its_base_version(world: World) -> None:
    world.campaign(1, PAUSED)
    assert world.work() == [], "a campaign that has never run needs no version"
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
    unknown = ["parent", "data_snapshot_digest", "score", "temperature", "thresholds"]
    assert [card[name] for name in unknown] == [None] * 5


def test_a_campaign_that_runs_again_keeps_its_version(world: World) -> None:
    for version, state in enumerate([RUNNING, PAUSED, RUNNING, RUNNING], start=1):
        world.campaign(version, state)
        world.work()
    assert len(world.published()) == 1


def test_the_archive_that_serving_is_given_holds_the_version(world: World) -> None:
    world.campaign(1)
    world.work()
    (event,), model = world.published(), world.model()
    data = world.objects.get(model.archive_key)
    assert model.archive_digest == sha256_hex(data)
    assert model.archive_key == f"campaigns/c/models/1/c-1-{model.archive_digest}.mar"
    served, weights = read_archive(data)
    assert weights == world.objects.get(event.artefact_key)
    assert (served.campaign, served.version, served.labels) == (CAMPAIGN, 1, ())
    assert len(served.golden.outputs[0]) == event.feature_size, "a base version answers with features"


def test_a_campaign_has_one_run_at_a_time(world: World) -> None:
    world.campaign(1)
    with pytest.raises(FailedPrecondition, match="run 1 has not ended"):
        world.create_base()
    world.work()
    world.create_base()
    assert world.work() == [BASE]


def test_older_news_of_a_campaign_are_ignored(world: World) -> None:
    world.campaign(2, PAUSED)
    world.campaign(1, RUNNING)
    assert world.work() == []


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
    assert world.work() == [BASE], "what no retry mends must not be retried"
    run = world.run()
    assert run.state == api.Run.STATE_FAILED
    assert re.search(reason, run.error), run.error
    assert re.match(f"another run, .*: run 1 failed: {reason}", world.training().waiting_for)
    assert world.published() == []


def test_after_a_failure_an_operator_creates_another_run_and_the_gap_stays(world: World) -> None:
    world.campaign(1, architecture="nonsense")
    world.work()
    run = world.create_base(api.BaseRun(architecture="tiny", seed=3))
    assert (run.name, run.model_version, run.state) == ("campaigns/c/runs/2", 2, api.Run.STATE_QUEUED)
    world.work()
    assert [event.version for event in world.published()] == [2]
    assert world.training() == api.Training(
        name="campaigns/c/training", newest_version=2, promoted_version=2, runs=2
    )


def test_a_run_takes_from_its_campaign_what_it_does_not_say(world: World) -> None:
    world.campaign(1)
    world.work()
    run = world.create_base()
    assert run.base == api.BaseRun(architecture="tiny", seed=5)
    world.work()
    assert world.create_base(api.BaseRun(seed=9)).base == api.BaseRun(architecture="tiny", seed=9)


def test_a_repeated_request_makes_one_run(world: World) -> None:
    world.campaign(1)
    world.work()
    request_id = str(uuid.uuid4())
    assert world.create_base(request_id=request_id) == world.create_base(request_id=request_id)
    assert world.training().runs == 2
    with pytest.raises(FailedPrecondition, match="another request"):
        world.create_base(api.BaseRun(seed=9), request_id=request_id)


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
    for before in (1, 2, 3, 4):
        with pytest.raises(Killed):
            world.work(Dying(world.objects, before))
        world.database.advance(60)
    world.work()
    (event,) = world.published()
    keys = [found.key for found in world.objects.list("campaigns/c/models/1/")]
    named = [event.artefact_key, event.card_key, world.model().archive_key]
    assert sorted(keys) == sorted(named), "attempts must share what is the same"


def test_a_queued_run_is_cancelled(world: World) -> None:
    world.campaign(1)
    cancelled = world.cancel(1)
    assert cancelled.state == api.Run.STATE_CANCELLED
    assert cancelled.HasField("end_time")
    assert world.work() == []
    assert world.training().waiting_for == "another run, to be created by an operator: run 1 cancelled"


def test_runs_and_models_are_listed_newest_first_page_by_page(world: World) -> None:
    world.campaign(1)
    world.work()
    for _ in range(4):
        world.create_base()
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
