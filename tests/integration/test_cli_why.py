"""`aloft campaign why` joins what every service answers, and ends with a code that a script can use."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from aloft.cli.main import app
from aloft.kit.clock import ManualClock
from aloft.kit.database import Database, Transaction, migrate
from aloft.kit.errors import NotFound
from aloft.kit.explaining import Cause, Kind
from aloft.kit.rpc.call import Principal, Role
from aloft.kit.rpc.explanations import explanations
from aloft.kit.rpc.server import Server

SERVICES = ("label_store", "trainer", "embedding", "acquisition")
IDLE = Cause(Kind.IDLE, "IDLE", "nothing")
VENDORS = Cause(Kind.WAITING, "VENDORS", "vendors: 12 tasks of batch 3 are left", 1_700_000_000_000_000)
TRAINING = Cause(Kind.WORKING, "TRAINING", "run 4, which is at work: 30 of 300")
PAUSED = Cause(
    Kind.STUCK, "PAUSED", "somebody to resume it", 1_700_000_000_000_000, "aloft campaign resume c"
)


class Operators:
    """Takes every key for an operator's."""

    def verify(self, key: str) -> Principal | None:
        return Principal("operators/ann", Role.OPERATOR) if key == "good" else None


@dataclass
class Four:
    """Four services that say what a test has them say."""

    causes: dict[str, list[Cause]] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)
    servers: dict[str, Server] = field(default_factory=dict)

    def explain(self, service: str) -> Callable[[Transaction, str], list[Cause]]:
        def said(_tx: Transaction, campaign: str) -> list[Cause]:
            if service in self.unknown or campaign != "c":
                raise NotFound("CAMPAIGN_NOT_FOUND", f"campaigns/{campaign} does not exist")
            return self.causes.get(service, [IDLE])

        return said

    def stop(self, service: str) -> None:
        self.servers.pop(service).stop(0)


@pytest.fixture
def four(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Four]:
    made = Four()
    monkeypatch.setenv("ALOFT_KEY", "good")
    with ExitStack() as opened:
        database = Database(f"sqlite:///{tmp_path}/s.db", schema="s", clock=ManualClock())
        opened.callback(database.close)
        migrate(database)
        for service in SERVICES:
            server = Server([explanations(database, service, made.explain(service))], Operators())
            monkeypatch.setenv(f"ALOFT_{service.upper()}_TARGET", f"127.0.0.1:{server.start()}")
            made.servers[service] = server
        yield made
        for service in list(made.servers):
            made.stop(service)


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["campaign", "why", *arguments], env={"COLUMNS": "200"})


def asked(expected: int) -> Mapping[str, Any]:
    done = invoke("c", "--json")
    assert done.exit_code == expected, f"it ended with {done.exit_code}: {done.output} {done.exception!r}"
    answer: Mapping[str, Any] = json.loads(done.stdout)
    return answer


def test_at_rest_it_ends_with_0_and_names_every_service(four: Four) -> None:
    said = asked(0)
    assert (said["campaign"], said["standing"]) == ("c", "idle")
    assert [one["service"] for one in said["reasons"]] == [
        "label-store",
        "trainer",
        "embedding",
        "acquisition",
    ]


def test_work_comes_before_waiting_and_is_no_trouble(four: Four) -> None:
    four.causes = {"label_store": [VENDORS], "trainer": [TRAINING]}
    said = asked(0)
    assert said["verdict"] == "Moving: trainer waits for run 4, which is at work: 30 of 300."
    assert [one["standing"] for one in said["reasons"]] == ["moving", "waiting", "idle", "idle"]


def test_what_is_stuck_comes_first_and_ends_with_3(four: Four) -> None:
    four.causes = {"label_store": [PAUSED], "trainer": [TRAINING]}
    said = asked(3)
    assert said["standing"] == "stuck"
    assert said["reasons"][0] == {
        "service": "label-store",
        "standing": "stuck",
        "code": "PAUSED",
        "waits_for": "somebody to resume it",
        "since": "2023-11-14T22:13:20Z",
        "remedy": "aloft campaign resume c",
    }


def test_a_service_that_is_down_is_a_row_and_ends_with_4(four: Four) -> None:
    four.causes = {"label_store": [PAUSED]}
    four.stop("embedding")
    said = asked(4)
    assert said["verdict"] == "embedding cannot be reached."
    first, second = said["reasons"][:2]
    assert (first["service"], first["standing"], first["code"]) == (
        "embedding",
        "unreachable",
        "UNREACHABLE",
    )
    assert second["code"] == "PAUSED", "what the others say is still shown"


def test_a_service_that_has_not_heard_of_the_campaign_waits_for_it(four: Four) -> None:
    four.unknown = {"acquisition"}
    said = asked(0)
    assert (said["reasons"][0]["service"], said["reasons"][0]["code"]) == ("acquisition", "CAMPAIGN_UNKNOWN")


def test_a_bug_in_one_service_does_not_hide_the_others(four: Four, caplog: pytest.LogCaptureFixture) -> None:
    four.causes = {"trainer": "not a list of causes", "label_store": [VENDORS]}  # type: ignore[dict-item]
    said = asked(4)
    assert [one["code"] for one in said["reasons"][:2]] == ["INTERNAL", "VENDORS"]


def test_a_campaign_that_there_is_not_is_refused(four: Four) -> None:
    done = invoke("nowhere")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "CAMPAIGN_NOT_FOUND campaigns/nowhere" in done.stderr


def test_a_bad_key_is_refused(four: Four, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALOFT_KEY", "bad")
    done = invoke("c")
    assert done.exit_code == 1
    assert "KEY_INVALID" in done.stderr


def test_a_person_reads_a_verdict_and_a_table(four: Four) -> None:
    four.causes = {"label_store": [PAUSED], "trainer": [TRAINING]}
    done = invoke("c")
    lines = done.stdout.splitlines()
    assert lines[0] == "Stuck: label-store waits for somebody to resume it."
    assert "aloft campaign resume c" in lines[2], "the remedy stands beside the cause"
    assert lines[3].split()[:2] == ["trainer", "moving"]
