"""What an operator asks of rankings and batches from the command line, of a served acquisition."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from aloft.acquisition.asking import RESPONSES
from aloft.api.acquisition.v1 import acquisition_service_pb2 as pb
from aloft.api.acquisition.v1 import acquisition_service_pb2_grpc as pb_grpc
from aloft.cli.main import app
from aloft.kit.rpc.call import Principal, Role
from aloft.kit.rpc.operations import operations
from aloft.kit.rpc.server import Server
from aloft.kit.service import Servicer
from aloft.kit.steps import Loop
from tests.integration.acquisition.world import CAMPAIGN, World, image, opened


class Operators:
    """Takes every key for an operator's."""

    def verify(self, key: str) -> Principal | None:
        return Principal("operators/ann", Role.OPERATOR)


@contextmanager
def served(world: World) -> Iterator[str]:
    """Serve what a world has; say where."""
    service = Servicer(
        pb_grpc.add_AcquisitionServiceServicer_to_server,
        world.servicer,
        pb.DESCRIPTOR.services_by_name["AcquisitionService"].full_name,
    )
    server = Server([service, operations(world.jobs, RESPONSES)], Operators())
    address = f"127.0.0.1:{server.start()}"
    try:
        yield address
    finally:
        server.stop(0)


@contextmanager
def worked_on(world: World) -> Iterator[None]:
    """Work on the jobs of a world as they come."""
    working = Loop(world.worker, world.database.wake("jobs"))
    working.start()
    try:
        yield
    finally:
        working.stop()
        working.join(30)


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, str]]:
    """Serve a campaign whose first batch, of two of twelve images, is out."""
    with opened(tmp_path_factory.mktemp("acquisition")) as world:
        world.campaign(strategy="mge+kmeans")
        world.publish()
        world.embed(range(12), labels=("water", "road"))
        world.work()
        with served(world) as address, worked_on(world):
            yield world, address


@pytest.fixture
def world(target: tuple[World, str], monkeypatch: pytest.MonkeyPatch) -> World:
    return at(target, monkeypatch)


def at(target: tuple[World, str], monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("ALOFT_KEY", "any")
    monkeypatch.setenv("ALOFT_ACQUISITION_TARGET", target[1])
    return target[0]


def aloft(*arguments: str, fails: int = 0) -> Any:
    """Run a command with `--json` and read its answer; its error output where it is to fail."""
    done = CliRunner().invoke(app, [*arguments, *([] if fails else ["--json"])], env={"COLUMNS": "200"})
    said = f"aloft {' '.join(arguments)} ended with {done.exit_code}: {done.output}"
    assert done.exit_code == fails, f"{said} {done.exception!r}"
    return done.stderr if fails else json.loads(done.stdout)


def table(*arguments: str) -> str:
    """Run a command as a person does."""
    done = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200"})
    assert done.exit_code == 0, f"{done.output} {done.exception!r}"
    return done.stdout


def test_strategies_are_listed_with_what_each_reads_and_costs(world: World) -> None:
    listed = aloft("strategies", "list")
    (kmeans,) = (one for one in listed if one["name"] == "kmeans")
    assert (kmeans["kind"], kmeans["parameters"]) == ("diversity", ["h=4"])
    assert "candidates" in kmeans["needs"]
    assert "A campaign that names none uses" in table("strategies", "list")


def test_the_newest_ranking_is_shown_best_first_and_another_is_made_when_asked_for(world: World) -> None:
    first = aloft("ranking", "list", CAMPAIGN)
    shown = aloft("ranking", "show", CAMPAIGN, "--first", "3")
    assert [one["place"] for one in shown] == [1, 2, 3]
    assert shown == aloft("ranking", "show", CAMPAIGN, first[0]["ranking"], "--first", "3")
    made = aloft("ranking", "rerank", CAMPAIGN)
    assert made["name"].endswith(first[0]["ranking"]), "the same pool and seed gave another ranking"
    assert len(aloft("ranking", "list", CAMPAIGN)) == len(first) + 1


def test_a_batch_is_looked_at_before_it_is_one(world: World) -> None:
    seen = aloft("batch", "preview", CAMPAIGN, "--strategy", "random", "--size", "3", "--seed", "5")
    assert (seen["strategy"], len(seen["selected_images"]), seen["batch"]) == ("random", 3, "0")
    assert set(seen["expected_positives"]) == {"water", "road"}
    assert len(world.selected()) == 1
    said = table("batch", "preview", CAMPAIGN)
    assert "2 images by mge+kmeans under version 1" in said
    assert "water" in said


def test_a_batch_that_is_not_due_is_refused_with_the_reason(world: World) -> None:
    said = aloft("batch", "select", CAMPAIGN, fails=1)
    assert said.startswith("BATCH_OUT")


@pytest.fixture
def due(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Serve a campaign of three images that paused before its first batch."""
    with opened(tmp_path) as world:
        world.campaign(state="PAUSED")
        world.publish()
        world.embed(range(3))
        world.work()
        with served(world) as address:
            yield at((world, address), monkeypatch)


def test_a_selection_that_sends_nothing_out_is_no_batch(due: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aloft.cli.following.time.sleep", lambda _seconds: due.work())
    due.label([image(0), image(1), image(2)])
    due.campaign(state="RUNNING")
    said = aloft("batch", "select", CAMPAIGN, fails=1)
    assert "nothing was sent out" in said
    assert "the pool is exhausted" in said


def test_ctrl_c_leaves_a_selection_to_the_service(due: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def press(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("aloft.cli.following.time.sleep", press)
    due.campaign(state="RUNNING")
    done = CliRunner().invoke(app, ["batch", "select", CAMPAIGN])
    assert "goes on without being followed" in done.stderr, f"{done.output} {done.exception!r}"
    with due.database.read() as tx:
        (job,) = due.jobs.list(tx, limit=1)
    assert not job.cancel_requested, "the service's own job was cancelled"


def test_strategies_are_compared(world: World) -> None:
    compared = aloft("batch", "compare", CAMPAIGN, "random", "mge+kmeans")
    assert [each["expression"] for each in compared["choices"]] == ["random", "mge+kmeans"]
    assert len(compared["overlaps"]) == 1
    said = table("batch", "compare", CAMPAIGN, "random", "mge+kmeans")
    assert "jaccard" in said
    assert "road" in said


def test_what_fails_says_why(world: World) -> None:
    assert "entropy" in aloft("batch", "preview", CAMPAIGN, "--strategy", "entropi", fails=1)
    said = aloft("batch", "compare", CAMPAIGN, "random", "bald", fails=1)
    assert "comparing failed" in said
    assert "the column bald beside the logits of version 1" in said


def test_an_image_is_told_why_it_was_selected(world: World) -> None:
    chosen = world.batch(1)[0]
    told = aloft("batch", "explain", CAMPAIGN, chosen)
    assert told["state"] == "STATE_OUT"
    assert told["picks"][0]["why"] in told["why"]
    assert aloft("batch", "explain", CAMPAIGN, image(99))["state"] == "STATE_NOT_RANKED"
