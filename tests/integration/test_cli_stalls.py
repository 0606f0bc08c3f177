"""`aloft campaign why` names the cause of a campaign that does not move, in the words of who knows it."""

import contextlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from aloft.api.events.v1 import events_pb2 as events
from aloft.api.labels.v1.campaign_pb2 import Campaign, Training
from aloft.cli.main import app
from aloft.kit.bus import Message
from aloft.kit.bus.cloudevents import Attributes, to_headers
from aloft.kit.bus.embedded import EmbeddedBus
from aloft.kit.bus.topics import LABELS_COMMITTED
from aloft.kit.objects.errors import StoreUnavailable
from tests.integration.served_world import Opened, Served, begin, served
from tests.slice.story import CAMPAIGN, Story, one_step
from tests.slice.world import APPS, templates


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What every service has before there is a campaign."""
    return templates(tmp_path_factory.mktemp("stalls") / "empty")


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory, empty: Path) -> Path:
    """What every service has when the first batch of a campaign is to be labelled."""
    return begin(tmp_path_factory.mktemp("stalls") / "begun", empty)


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Opened]:
    with served(tmp_path, monkeypatch) as opening:
        yield opening


@pytest.fixture
def world(opened: Opened, begun: Path) -> Served:
    """A campaign whose first batch is to be labelled."""
    return opened(begun)


@pytest.fixture
def nothing(opened: Opened, empty: Path) -> Served:
    """No campaign yet."""
    return opened(empty)


def aloft(*arguments: str) -> tuple[int, Any]:
    done = CliRunner().invoke(app, ["campaign", *arguments, CAMPAIGN, "--json"])
    assert done.stdout, f"aloft campaign {arguments} said nothing: {done.stderr} {done.exception!r}"
    return done.exit_code, json.loads(done.stdout)


def why(expected: int) -> list[tuple[str, str, str]]:
    """Ask why, and say service, standing and code of each reason."""
    code, said = aloft("why")
    assert code == expected, f"it ended with {code}: {said}"
    return [(one["service"], one["standing"], one["code"]) for one in said["reasons"]]


def probing(campaign: Campaign) -> None:
    """Solve a head on the base version: the quickest way to a version."""
    campaign.training.mode = Training.MODE_PROBE


def training_from_nothing(campaign: Campaign) -> None:
    """Name weights that are not there."""
    one_step(campaign)
    campaign.base_model.checkpoint_key = "nothing/here.safetensors"


def test_labels_are_outstanding(world: Served) -> None:
    found = why(0)
    assert found[0] == ("label-store", "waiting", "VENDORS")
    assert ("acquisition", "waiting", "BATCH_OUT") in found
    assert ("embedding", "idle", "POOL_EMBEDDED") in found


def test_a_paused_campaign_says_how_to_go_on_and_does(world: Served) -> None:
    aloft("pause")
    world.rest()
    code, said = aloft("why")
    first = said["reasons"][0]
    assert (code, first["service"], first["code"]) == (3, "label-store", "PAUSED")
    assert first["remedy"] == f"aloft campaign resume {CAMPAIGN}"
    assert CliRunner().invoke(app, first["remedy"].split()[1:]).exit_code == 0, "the remedy does not work"
    world.rest()
    assert why(0)[0][2] == "VENDORS"


def test_a_dead_event_names_the_services_that_gave_it_up(world: Served) -> None:
    kind = events.LabelsCommitted.DESCRIPTOR.full_name
    headers = to_headers(Attributes("00000000-0000-4000-8000-00000000dead", kind, "/elsewhere", 0))
    with contextlib.closing(EmbeddedBus(world.folder / "bus.db")) as bus:
        bus.publish([Message(LABELS_COMMITTED.name, CAMPAIGN, b"\xff\xff\xff", headers)])
    world.rest()
    stuck = [one for one in why(3) if one[1] == "stuck"]
    assert stuck == [("trainer", "stuck", "DEAD_EVENT"), ("acquisition", "stuck", "DEAD_EVENT")]
    _, said = aloft("why")
    assert f"`aloft redrive trainer --topic {LABELS_COMMITTED.name}`" in said["reasons"][0]["remedy"]


def test_a_service_that_is_down_is_a_row_everywhere(world: Served) -> None:
    world.stop("embedding")
    assert why(4)[0] == ("embedding", "unreachable", "UNREACHABLE")
    code, said = aloft("status")
    assert code == 4
    away = {one["service"]: one.get("away", False) for one in said}
    assert away == {"label-store": False, "trainer": False, "embedding": True, "acquisition": False}


def test_a_broker_that_is_away_holds_up_what_was_announced(world: Served) -> None:
    world.away(**{f"{name}_bus": ConnectionError("no broker") for name in APPS})
    aloft("pause")
    aloft("resume")
    world.turn()
    world.clock.advance(11)
    assert why(3)[0] == ("label-store", "stuck", "BROKER_AWAY")
    world.away()
    world.rest()
    assert why(0)[0][2] == "VENDORS", "it did not go on by itself"


def test_a_store_that_is_away_holds_up_a_job(nothing: Served) -> None:
    nothing.away(embedding_objects=StoreUnavailable("no store"))
    Story(nothing).set_up()
    nothing.turn()
    found = why(3)
    assert found[0] == ("embedding", "stuck", "STORE_AWAY")
    assert ("acquisition", "waiting", "POOL_NOT_EMBEDDED") in found


def test_a_run_that_failed_for_good_says_so(nothing: Served) -> None:
    Story(nothing, configure=training_from_nothing).set_up()
    nothing.rest()
    found = why(3)
    assert found[0] == ("trainer", "stuck", "RUN_FAILED")
    assert ("label-store", "waiting", "FIRST_VERSION") in found


def test_a_pool_that_is_exhausted_asks_for_images(nothing: Served) -> None:
    told = Story(nothing, images=2, batch=2, configure=probing)
    told.set_up()
    nothing.rest()
    told.submit(told.lease())
    nothing.rest()
    found = why(3)
    assert ("acquisition", "stuck", "POOL_EXHAUSTED") in found


def test_a_campaign_without_images_asks_for_them(nothing: Served) -> None:
    Story(nothing).create()
    nothing.rest()
    assert ("label-store", "stuck", "NO_IMAGES") in why(3)


def test_watching_ends_when_a_stopped_campaign_is_at_rest(world: Served) -> None:
    aloft("stop")
    world.rest()
    done = CliRunner().invoke(app, ["campaign", "watch", CAMPAIGN, "--every", "0.2", "--until-stopped"])
    assert done.exit_code == 0, f"{done.output} {done.exception!r}"
    (line,) = done.stdout.splitlines()
    assert f"{CAMPAIGN}; stopped" in line
    assert "At rest" in line


def test_versions_are_listed_and_an_older_one_is_not_rolled_back_to_for_nothing(world: Served) -> None:
    done = CliRunner().invoke(app, ["model", "list", CAMPAIGN, "--json"])
    (version,) = json.loads(done.stdout)
    assert (version["version"], version["kind"], version["promoted"]) == (1, "base", True)
    refused = CliRunner().invoke(app, ["model", "rollback", CAMPAIGN, "7"])
    assert refused.exit_code == 1
    assert "NOT_FOUND" in refused.stderr


def test_garbage_is_named_before_it_is_removed(world: Served) -> None:
    done = CliRunner().invoke(app, ["gc", CAMPAIGN, "--dry-run", "--json"])
    assert done.exit_code == 0, done.output
    assert {one["of"]: one["objects"] for one in json.loads(done.stdout)} == {"pool": 0, "models": 0}


def interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Press Ctrl-C after the first look."""

    def press(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("aloft.cli.watch.time.sleep", press)


@pytest.mark.parametrize(("options", "code", "said"), [((), 0, ""), (("--until-stopped",), 1, "not stopped")])
def test_ctrl_c_leaves_the_watching(
    world: Served, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], code: int, said: str
) -> None:
    interrupted(monkeypatch)
    done = CliRunner().invoke(app, ["campaign", "watch", CAMPAIGN, "--json", *options])
    assert (done.exit_code, said in done.stderr) == (code, True), f"{done.output} {done.exception!r}"
    (line,) = done.stdout.splitlines()
    assert json.loads(line)["under_way"][0]["what"] == "batch 1"


def test_a_terminal_shows_one_picture(world: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Console(file=io.StringIO(), force_terminal=True, width=120, height=40)
    monkeypatch.setattr("aloft.cli.watch.out", terminal)
    aloft("stop")
    world.rest()
    CliRunner().invoke(app, ["campaign", "watch", CAMPAIGN, "--every", "0.2"])
    assert isinstance(terminal.file, io.StringIO)
    shown = terminal.file.getvalue()
    assert "stopped" in shown
    assert "base version" in shown
    assert "\x1b[1A" in shown, "the picture is not drawn over itself"
