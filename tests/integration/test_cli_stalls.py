"""`aloft campaign why` names the cause of a campaign that does not move, in the words of who knows it."""

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from aloft.api.events.v1 import events_pb2 as events
from aloft.api.labels.v1.campaign_pb2 import Campaign, Training
from aloft.cli.main import app
from aloft.kit.bus import Message
from aloft.kit.bus.cloudevents import Attributes, to_headers
from aloft.kit.bus.embedded import EmbeddedBus
from aloft.kit.bus.topics import LABELS_COMMITTED
from aloft.kit.faults import Address, Faults
from aloft.kit.objects.errors import StoreUnavailable
from aloft.kit.rpc.call import Principal, Role
from aloft.kit.rpc.server import Server
from tests.slice.story import CAMPAIGN, Story, one_step
from tests.slice.world import APPS, Stalled, World, templates


@dataclass
class Outages(Faults):
    """Ports that are away for as long as a test wants, whoever calls them."""

    away: dict[tuple[str, str], Exception] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__()

    def enter(self, service: str, port: str, method: str, key: str) -> Address:
        """Fail if the port is away for that service."""
        if (service, port) in self.away:
            raise self.away[service, port]
        return super().enter(service, port, method, key)


class Operators:
    """Takes every key for an operator's."""

    def verify(self, key: str) -> Principal | None:
        return Principal("operators/ann", Role.OPERATOR)


class Served(World):
    """A world that the command line can call."""

    def serve(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Serve each service on a port of its own."""
        self.servers = {}
        monkeypatch.setenv("ALOFT_KEY", "any")
        for name in APPS:
            self.servers[name] = Server(self._open[name][0].servicers, Operators())
            monkeypatch.setenv(f"ALOFT_{name.upper()}_TARGET", f"127.0.0.1:{self.servers[name].start()}")

    def stop(self, name: str) -> None:
        """Take one service away."""
        self.servers.pop(name).stop(0)

    def rest(self) -> None:
        """Step until nothing moves: what one service publishes, another takes in a turn later."""
        quiet = 0
        for _ in range(500):
            quiet = 0 if self.step() else quiet + 1
            if quiet == 3:
                return
        raise Stalled(f"still busy after 500 turns; errors so far: {self.errors}")

    def turn(self, times: int = 30) -> None:
        """Step every loop so often: what is away never comes to rest."""
        for _ in range(times):
            self.step()


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What every service has before there is a campaign."""
    return templates(tmp_path_factory.mktemp("stalls") / "empty")


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory, empty: Path) -> Path:
    """What every service has when the first batch of a campaign is to be labelled."""
    folder = tmp_path_factory.mktemp("stalls") / "begun"
    with contextlib.closing(Served(folder, empty)) as world:
        Story(world).set_up()
        world.rest()
    return folder


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], Served]]:
    """Open a world that begins with what a folder has."""
    worlds: list[Served] = []

    def open_world(template: Path) -> Served:
        worlds.append(Served(tmp_path / "world", template, Outages()))
        worlds[-1].serve(monkeypatch)
        return worlds[-1]

    yield open_world
    for world in worlds:
        for name in list(world.servers):
            world.stop(name)
        world.close()


@pytest.fixture
def world(opened: Callable[[Path], Served], begun: Path) -> Served:
    """A campaign whose first batch is to be labelled."""
    return opened(begun)


@pytest.fixture
def nothing(opened: Callable[[Path], Served], empty: Path) -> Served:
    """No campaign yet."""
    return opened(empty)


def outages(world: Served) -> Outages:
    assert isinstance(world.faults, Outages)
    return world.faults


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
    outages(world).away = {(name, "bus"): ConnectionError("no broker") for name in APPS}
    aloft("pause")
    aloft("resume")
    world.turn()
    world.clock.advance(11)
    assert why(3)[0] == ("label-store", "stuck", "BROKER_AWAY")
    outages(world).away = {}
    world.rest()
    assert why(0)[0][2] == "VENDORS", "it did not go on by itself"


def test_a_store_that_is_away_holds_up_a_job(nothing: Served) -> None:
    outages(nothing).away = {("embedding", "objects"): StoreUnavailable("no store")}
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
