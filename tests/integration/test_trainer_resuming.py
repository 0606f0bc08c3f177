"""Training that is killed, taken over or cancelled: one that goes on ends with the same weights."""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aloft.api.trainer.v1 import trainer_service_pb2 as api
from aloft.kit.bus.embedded import EmbeddedBus
from aloft.kit.database import Database
from aloft.kit.errors import FailedPrecondition
from aloft.kit.jobs import LeaseLost
from aloft.kit.service import Ports
from aloft.trainer import app
from aloft.trainer.domain.runs import BASE, FINE_TUNE
from aloft.trainer.use_cases.checkpoints import RunCheckpoints
from aloft.trainer.use_cases.fine_tune import FineTune
from tests.integration.trainer_world import VALIDATION, World, world_on

STEPS = 6
PRETRAINING: dict[str, Any] = {"pretraining": {"steps": STEPS, "batch_images": 4, "seed": 3}}


class Killed(BaseException):
    """The process is gone."""


class Watched:
    """A bucket that counts checkpoints. After so many, the process that stores them dies."""

    def __init__(self, objects: Any, dies_after: int = 0) -> None:
        self._objects, self._dies_after = objects, dies_after
        self.checkpoints = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._objects, name)

    def put(self, key: str, *arguments: Any, **named: Any) -> Any:
        """Store it."""
        stored = self._objects.put(key, *arguments, **named)
        self.checkpoints += "/checkpoints/" in key
        if self._dies_after and self.checkpoints > self._dies_after:
            raise Killed
        return stored


@pytest.fixture
def worlds(tmp_path: Path) -> Iterator[list[World]]:
    """Two that hear the same."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    with (
        world_on(tmp_path / "one") as one,
        world_on(tmp_path / "two") as two,
    ):
        yield [one, two]


@pytest.fixture
def world(worlds: list[World]) -> World:
    return worlds[0]


def fine_tunes(world: World) -> None:
    """Begin a campaign whose batch has closed."""
    world.campaign(1, training={"steps": STEPS})
    world.work()
    world.label(range(100, 108), VALIDATION)
    world.label(range(10))
    world.close()


def begun(world: World, kind: str) -> int:
    """Have a run queued, and say its number."""
    if kind == FINE_TUNE:
        fine_tunes(world)
        return 2
    world.campaign(1, **PRETRAINING)
    world.register(range(10))
    return 1


@pytest.mark.parametrize("kind", [BASE, FINE_TUNE])
def test_a_run_that_is_killed_resumes_and_ends_with_the_weights_of_one_that_was_not(
    worlds: list[World], kind: str
) -> None:
    undisturbed, killed = worlds
    begun(undisturbed, kind)
    number = begun(killed, kind)
    whole, rest = Watched(undisturbed.objects), Watched(killed.objects)
    assert undisturbed.work(whole) == [kind]
    with pytest.raises(Killed):
        killed.work(Watched(killed.objects, dies_after=3))
    checkpoints = [name for name in killed.left(number) if name.startswith("checkpoints/")]
    assert checkpoints == ["checkpoints/1-3", "checkpoints/1-4"], "the last is stored, and does not count yet"
    assert killed.work() == [], "its lease still holds"
    killed.database.advance(60)
    assert killed.work(rest) == [kind]
    first, second = undisturbed.published()[-1], killed.published()[-1]
    assert first.artefact_digest == second.artefact_digest, "the weights are other ones"
    assert first.metrics == second.metrics, "the scores are other ones"
    assert undisturbed.model(number).archive_digest == killed.model(number).archive_digest
    assert rest.checkpoints == whole.checkpoints - 3, "training did not go on where it was"
    for world in worlds:
        assert not [name for name in world.left(number) if name.startswith("checkpoints/")]
        assert not list(world.cache.glob("*")), "decoded images are left on the disk"


def starts(world: World) -> None:
    """Have the trainer's process begin on the machine of the world's cache, and work on no run yet."""
    bus = EmbeddedBus(world.bucket.parent / "bus.db")
    database = Database(world.database.url, schema=app.NAME, clock=world.database.clock)
    ports = Ports(database, bus, world.objects, world.pool, "w")
    for background in app.build(app.Settings(runs=app.RunSettings(cache_dir=world.cache)), ports).backgrounds:
        if background.step.name == "leftovers":
            background.step.step()
    database.close()
    bus.close()


def test_what_an_ended_run_left_on_a_machine_goes_when_workers_start_there(world: World) -> None:
    fine_tunes(world)
    one, other = world.cache, world.cache.parent / "other"
    with pytest.raises(Killed):
        world.work(Watched(world.objects, dies_after=1))
    (folder,) = one.iterdir()
    users = [one / "holiday", one / f"{folder.name}.old", one / f"a{folder.name}", one / str(uuid.uuid4())]
    for mine in users:
        mine.mkdir()
    (one / f"run-{uuid.uuid4()}").write_text("a file of the user's")
    kept = sorted(one.iterdir())
    (one / f"run-{uuid.uuid4()}").mkdir()
    starts(world)
    assert sorted(one.iterdir()) == kept, "the run that may resume, and what is no job's, stay; no other does"
    world.cache = other
    world.database.advance(60)
    assert world.work() == [FINE_TUNE]
    assert not list(other.iterdir()), "the machine that ends a run keeps its images"
    assert list(folder.iterdir()), "the test's other machine has nothing left to remove"
    world.cache = one
    starts(world)
    assert sorted(one.iterdir()) == [each for each in kept if each != folder]


def test_a_worker_that_lost_its_lease_can_neither_checkpoint_nor_publish(world: World) -> None:
    fine_tunes(world)
    zombie = world.jobs.claim([FINE_TUNE], "zombie", 30)
    assert zombie is not None
    attempt = world.means().attempt(zombie)
    world.database.advance(60)
    with pytest.raises(Killed):
        world.work(Watched(world.objects, dies_after=1))
    with pytest.raises(LeaseLost):
        RunCheckpoints(attempt).save(b"old")
    with pytest.raises(LeaseLost):
        FineTune(world.means())(zombie)
    world.database.advance(60)
    world.work()
    assert [event.version for event in world.published()] == [1, 2]
    assert not [name for name in world.left(2) if name.startswith("checkpoints/")], (
        "what the zombie stored is left"
    )


def test_a_run_is_cancelled_midway(world: World) -> None:
    fine_tunes(world)

    class Cancelling(Watched):
        def put(self, key: str, *arguments: Any, **named: Any) -> Any:
            if self.checkpoints == 1:
                world.cancel(2)
            return super().put(key, *arguments, **named)

    world.work(Cancelling(world.objects))
    assert world.run(2).state == api.Run.STATE_CANCELLED
    assert world.left(2) == [name for name in world.left(2) if name.startswith("snapshot-")]
    assert not list(world.cache.glob("*"))
    assert "run 2 cancelled" in world.causes()["RUN_FAILED"].waits_for
    assert len(world.published()) == 1


def test_what_became_due_while_a_run_was_at_work_begins_after_it_is_cancelled(world: World) -> None:
    fine_tunes(world)
    world.label(range(20, 24))
    world.close(2)
    world.cancel(2)
    assert world.work() == [FINE_TUNE]
    assert world.published()[-1].version == 3


def test_a_pre_training_waits_for_images(world: World) -> None:
    world.campaign(1, **PRETRAINING)
    assert world.work() == []
    assert "the pool, which has fewer than 2" in world.causes()["NO_IMAGES"].waits_for
    world.register(range(5), VALIDATION)
    assert world.work() == [], "held-out images are no pool"
    world.register(range(10, 11))
    assert world.work() == [], "one image cannot be told apart from others"
    world.register(range(11, 14))
    (world.bucket / "10.png").unlink()
    assert world.work() == [BASE]
    (event,) = world.published()
    card = world.card(event)
    assert card["source"] == {"pretraining": "simclr"}
    assert card["data"] == {"pool": {"images": 3, "left_out": {"MISSING": 1}, "quarantined": 0}}
    assert (card["hyperparameters"]["steps"], card["seed"]) == (STEPS, 3)
    assert card["data_snapshot_digest"]
    assert world.run(1).base.pretraining.steps == STEPS


def test_a_pre_training_on_request_needs_images(world: World) -> None:
    world.campaign(1)
    world.work()
    with pytest.raises(FailedPrecondition, match="import images first"):
        world.create_base(api.BaseRun(**PRETRAINING))


def test_a_pool_that_comes_down_to_one_image_fails_with_its_reason(world: World) -> None:
    world.campaign(1, **PRETRAINING)
    world.register([1, 2])
    (world.bucket / "2.png").unlink()
    world.work()
    assert "TOO_FEW_IMAGES: 1 of 2" in world.run(1).error


def test_training_that_diverges_fails_with_its_reason(world: World) -> None:
    world.campaign(1, training={"steps": STEPS, "learning_rate": 1e30})
    world.work()
    world.label(range(10))
    world.close()
    assert world.work() == [FINE_TUNE]
    assert "TRAINING_DIVERGED" in world.run(2).error
    assert not list(world.cache.glob("*"))


def test_fine_tuning_changes_the_backbone(world: World) -> None:
    fine_tunes(world)
    world.work()
    base, tuned = world.published()
    assert tuned.backbone_digest != base.backbone_digest
    assert world.card(tuned)["hyperparameters"]["steps"] == STEPS
