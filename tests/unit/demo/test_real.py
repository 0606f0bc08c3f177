"""`aloft demo --real` around its processes: what is missing, what they are told, what is given back."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from aloft.cli.main import app
from aloft.demo.children import DemoFailed
from aloft.demo.plan import Rooms
from aloft.demo.real.lending import Lender
from aloft.demo.real.naming import NAME, new_name
from aloft.demo.real.part import Refused
from aloft.demo.real.servers import Parts, Servers, look
from aloft.demo.real.services import Processes, environment
from aloft.demo.real.versions import Versions
from aloft.kit.settings import load
from aloft.serving.app import ServingSettings, Settings
from aloft.serving.port import Registered
from aloft.serving.torchserve.adapter import TorchServe
from tests.unit.demo.servers import BUS, NEEDED, OBJECTS, noting, nowhere

RUN = "aloft-demo-0123abcd"


@pytest.fixture
def without_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what this machine's own Aloft is told."""
    for name in ("ALOFT_SETTINGS", *NEEDED):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def servers(tmp_path: Path) -> Servers:
    """Servers of which none answers."""
    return nowhere(tmp_path)


def test_every_server_that_is_not_named_is_missed_with_its_settings(servers: Servers) -> None:
    found, wrong = look(servers.parts(RUN), told=())
    assert found == {}
    for server, setting in (
        ("Kafka", "ALOFT_BUS__BOOTSTRAP_SERVERS"),
        ("MinIO", "ALOFT_OBJECTS__SECRET_KEY"),
        ("PostgreSQL", "ALOFT_ADMIN_URL"),
        ("TorchServe", "ALOFT_SERVING__MODEL_STORE"),
    ):
        [sentence] = [one for one in wrong if one.startswith(server)]
        assert setting in sentence, f"{server} is missed without saying that {setting} names it"


def test_every_server_that_does_not_answer_is_missed_at_once(servers: Servers) -> None:
    found, wrong = look(servers.parts(RUN), NEEDED)
    assert found == {}
    assert [one.split(":")[0].split(",")[0] for one in wrong] == [
        "Kafka",
        "MinIO",
        "PostgreSQL",
        "TorchServe",
    ]
    assert "looked for by ALOFT_ADMIN_URL" in wrong[2], "where a server is looked for can be changed"


def test_the_command_names_what_is_missing_and_starts_nothing(
    without_settings: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ALOFT_BUS__BOOTSTRAP_SERVERS", "nowhere")
    done = CliRunner().invoke(app, ["demo", "--real", "--out", str(tmp_path / "out")])
    assert done.exit_code == 1
    for said in ("nowhere is not host:port", "ALOFT_OBJECTS__ENDPOINT", "ALOFT_ADMIN_URL", "make stack-up"):
        assert said in done.stderr, f"{said!r} is not in\n{done.stderr}"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("options", [["--remove", RUN], ["--real", "--remove", "orders"]])
def test_only_what_a_run_left_can_be_removed(without_settings: None, options: Sequence[str]) -> None:
    done = CliRunner().invoke(app, ["demo", *options])
    assert done.exit_code == 2, done.stderr


def test_nothing_is_removed_where_a_server_is_not_named(without_settings: None) -> None:
    done = CliRunner().invoke(app, ["demo", "--real", "--remove", RUN])
    assert done.exit_code == 1
    assert "PostgreSQL: set ALOFT_ADMIN_URL" in done.stderr


class Serves:
    """A model server that serves a campaign."""

    def __init__(self, campaign: str) -> None:
        self._campaign = campaign

    def registered(self) -> list[Registered]:
        """Describe it."""
        return [Registered(self._campaign, 3, "", ready=True, default=True, workers=1)]


class Busy(Versions):
    """The part of a run on a server that serves a campaign already."""

    def __init__(self, store: Path, campaign: str) -> None:
        super().__init__(ServingSettings(model_store=store), RUN)
        self._campaign = campaign
        (store / f"{campaign}-3-ab.mar").touch()

    def opened(self, timeout_s: float) -> TorchServe:
        """Reach it."""
        return cast("TorchServe", Serves(self._campaign))


def test_a_torchserve_that_somebody_uses_is_left_alone(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"is in use \(harbour, harbour-3-ab\.mar\).*unregister these"):
        Busy(tmp_path, "harbour").look()


def test_a_torchserve_with_what_an_earlier_run_left_is_freed_by_a_command(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"--remove aloft-demo-00000000$"):
        Busy(tmp_path, "aloft-demo-00000000-active").look()


def test_services_read_what_they_are_told_as_it_was_said(
    without_settings: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bus = BUS.model_copy(update={"kind": "kafka", "sasl_password": SecretStr("50%; '$'"), "ssl_cafile": None})
    bus = bus.model_copy(
        update={"security_protocol": "SASL_SSL", "sasl_mechanism": "PLAIN", "sasl_username": "a"}
    )
    objects = OBJECTS.model_copy(update={"kind": "s3"})
    serving = ServingSettings(key_file=tmp_path / "keys", drain_s=0)
    for name, section in (("bus", bus), ("objects", objects), ("serving", serving)):
        for variable, value in environment(name, section).items():
            monkeypatch.setenv(variable, value)
    read = load(Settings)
    assert read.bus.kafka_config() == bus.kafka_config()
    assert (read.bus.create_topics, read.objects.s3_config()) == (False, objects.s3_config())
    assert (read.serving.key_file, read.serving.drain_s) == (tmp_path / "keys", 0)


def rooms(folder: Path, *, kept: bool = False) -> Rooms:
    return Rooms(folder, {}, kept)


def test_each_service_is_a_process_with_a_database_and_a_place_of_its_own(
    servers: Servers, tmp_path: Path
) -> None:
    parts = noting(servers, [])(RUN)
    system = Processes(rooms(tmp_path), parts, f"{RUN}-", {}, lambda: None)
    told = {process.name: process.env for process in system.processes()}
    assert list(told) == ["label-store", "embedding", "acquisition", "trainer", "serving"]
    for setting in ("ALOFT_RPC__PORT", "ALOFT_DATA_DIR"):
        assert len({env[setting] for env in told.values()}) == 5, f"two processes have the same {setting}"
    assert told["trainer"]["ALOFT_DATABASE__URL"] == "postgresql://trainer"
    assert "ALOFT_DATABASE__URL" not in told["serving"], "the agent keeps no database"
    assert told["serving"]["ALOFT_SERVING__TRAINER"] == system.targets["trainer"]
    assert system.bootstrap().env["ALOFT_RPC__KEY_PEPPER"] == told["label-store"]["ALOFT_RPC__KEY_PEPPER"]


def test_nothing_of_the_users_own_is_used_but_the_servers(servers: Servers, tmp_path: Path) -> None:
    system = Processes(rooms(tmp_path), noting(servers, [])(RUN), f"{RUN}-", {}, lambda: None)
    for process in system.processes():
        told = process.env
        assert told["ALOFT_BUS__TOPIC_PREFIX"] == f"{RUN}."
        assert told["ALOFT_BUS__CREATE_TOPICS"] == "true"
        assert {told["ALOFT_OBJECTS__BUCKET"], told["ALOFT_OBJECTS__POOL_BUCKET"]} == {
            f"{RUN}-aloft",
            f"{RUN}-pool",
        }


@pytest.fixture
def said() -> list[str]:
    """What a person is told."""
    return []


def lend(parts: Callable[[str], Parts], room: Rooms, said: list[str]) -> None:
    with Lender(parts, {}).lent(room, lambda: None, said.append):
        said.append("it runs")


def test_what_was_made_on_the_servers_is_removed_in_the_end(
    servers: Servers, tmp_path: Path, said: list[str]
) -> None:
    done: list[str] = []
    lend(noting(servers, done), rooms(tmp_path), said)
    assert sorted(done[:4]) == [f"make {part}" for part in ("Buckets", "RunDatabase", "Topics", "Versions")]
    assert sorted(done[4:]) == [f"remove {part}" for part in ("Buckets", "RunDatabase", "Topics", "Versions")]
    assert said[-1] == "it runs", "a person hears of an end that is as it should be"


def test_what_was_made_is_removed_where_the_rest_could_not_be_made(
    servers: Servers, tmp_path: Path, said: list[str]
) -> None:
    done: list[str] = []
    with pytest.raises(DemoFailed, match="cannot make Buckets"):
        lend(noting(servers, done, refusing="make Buckets"), rooms(tmp_path), said)
    assert len([one for one in done if one.startswith("remove")]) == 4
    assert "it runs" not in said


def test_what_stays_is_said_with_the_command_that_removes_it(
    servers: Servers, tmp_path: Path, said: list[str]
) -> None:
    done: list[str] = []
    lend(noting(servers, done, refusing="remove Topics"), rooms(tmp_path), said)
    assert "cannot remove Topics" in said
    [name] = {word for word in said[-1].split() if NAME.fullmatch(word)}
    assert f"aloft demo --real --remove {name}" in said[-1]
    assert "remove Buckets" in done, "one server that refuses keeps the others from being tidied"


def test_what_is_to_be_kept_stays(servers: Servers, tmp_path: Path, said: list[str]) -> None:
    done: list[str] = []
    lend(noting(servers, done), rooms(tmp_path, kept=True), said)
    assert not [one for one in done if one.startswith("remove")]
    assert "--remove aloft-demo-" in said[-1], "a person is not told how to remove what was kept"


def test_no_two_runs_have_the_same_name() -> None:
    assert new_name() != new_name()
    assert NAME.fullmatch(new_name())
