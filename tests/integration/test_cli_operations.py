"""What an operator does from the command line when something is stuck, and when keys change hands."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from aloft.cli import output
from aloft.cli.main import app
from aloft.embedding.app import Settings
from aloft.kit.bus import Context, Poison
from aloft.kit.bus.topics import LABELS_COMMITTED
from aloft.kit.database import Database
from aloft.kit.ports import open_database
from aloft.kit.rpc.server import Server
from aloft.kit.settings import load
from aloft.label_store import app as label_store
from tests.contract.databases import ADAPTERS
from tests.contract.events import Loopback, loopback
from tests.integration.label_store_world import CAMPAIGN, World, opened


def aloft(*arguments: str, fails: int = 0) -> Any:
    """Run a command with `--json` and read its answer; its error output where it is to fail."""
    done = CliRunner().invoke(app, [*arguments, *([] if fails else ["--json"])])
    said = f"aloft {' '.join(arguments)} ended with {done.exit_code}: {done.output}"
    assert done.exit_code == fails, f"{said} {done.exception!r}"
    return done.stderr if fails else json.loads(done.stdout)


@pytest.fixture(params=ADAPTERS)
def loop(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Loopback]:
    """Events of an embedding service whose settings are in the environment, as an operator has them."""
    monkeypatch.setenv("ALOFT_DATA_DIR", str(tmp_path))
    if request.param == "postgresql":
        admin_url = request.getfixturevalue("postgres_database").replace("+psycopg", "")
        urls = aloft("admin", "provision", "--admin-url", admin_url, "--service", "embedding")
        monkeypatch.setenv("ALOFT_DATABASE__URL", urls["embedding"])
    database = Database(load(Settings).database.url.get_secret_value(), schema=Settings.service)
    try:
        with loopback(database, tmp_path) as made:
            yield made
    finally:
        database.close()


def refuse(error: Exception) -> Any:
    """Let every event of c1 fail."""

    def decide(key: str, _number: int, _context: Context) -> None:
        if key == "c1":
            raise error

    return decide


def test_a_dead_event_is_shown_with_its_reason_and_redriven(loop: Loopback) -> None:
    loop.refuse = refuse(Poison("it breaks a rule"))
    loop.announce("c1", 1)
    loop.announce("c2", 1)
    loop.settle()
    (dead,) = aloft("stuck", "embedding")
    assert (dead["state"], dead["key"], dead["again_in_s"]) == ("dead", "c1", None)
    assert "it breaks a rule" in dead["error"]
    loop.refuse = lambda key, number, context: None
    other = aloft("redrive", "embedding", "--topic", "aloft.batch.closed.v1")
    assert other == {"redriven": 0}, "another topic's events were redriven"
    assert aloft("redrive", "embedding", "--event", dead["event"]) == {"redriven": 1}
    loop.settle()
    assert loop.effects("c1") == [1], "the redriven event took effect"
    assert aloft("stuck", "embedding") == []


def test_a_parked_lane_is_shown_with_the_event_that_holds_it_up(loop: Loopback) -> None:
    loop.refuse = refuse(RuntimeError("not today"))
    loop.announce("c1", 1, 2)
    loop.settle()
    (parked,) = aloft("stuck", "embedding")
    assert (parked["state"], parked["topic"], parked["key"]) == ("parked", LABELS_COMMITTED.name, "c1")
    assert "not today" in parked["error"]
    assert parked["attempts"] == 1
    assert parked["again_in_s"] >= 0
    first = loop.rows("SELECT event FROM inbox WHERE state = 'pending' ORDER BY id")[0]
    assert parked["event"] == first.event


def test_a_topic_that_there_is_not_is_refused(loop: Loopback) -> None:
    said = aloft("redrive", "embedding", "--topic", "aloft.labels", fails=2)
    assert "aloft.labels.committed.v1" in said.replace("\n", ""), "the refusal names the topics"


def test_a_dead_event_that_there_is_not_is_refused(loop: Loopback) -> None:
    loop.settle()
    assert "EVENT_NOT_FOUND" in aloft("redrive", "embedding", "--event", "nothing", fails=1)


@pytest.mark.parametrize("command", ["stuck", "redrive"])
def test_a_folder_without_a_database_is_refused_and_stays_as_it_is(tmp_path: Path, command: str) -> None:
    said = aloft(command, "embedding", "--data-dir", str(tmp_path / "typo"), fails=1)
    assert "--data-dir" in said
    assert list(tmp_path.iterdir()) == []


def test_the_first_key_is_made_where_the_settings_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ALOFT_DATA_DIR", str(tmp_path / "data"))
    # As the label store's first start leaves it.
    open_database(load(label_store.Settings)).close()
    assert CliRunner().invoke(app, ["admin", "bootstrap"]).output.startswith("aloft_admin_")
    assert [each.name for each in tmp_path.iterdir()] == ["data"]
    again = CliRunner().invoke(app, ["admin", "bootstrap"])
    assert again.exit_code == 1
    assert "aloft key create" in again.stderr


def test_the_first_key_is_made_on_postgresql_before_any_service_has_started(
    postgres_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin_url = postgres_database.replace("+psycopg", "")
    urls = aloft("admin", "provision", "--admin-url", admin_url, "--service", "label-store")
    monkeypatch.setenv("ALOFT_DATABASE__URL", urls["label-store"])
    assert CliRunner().invoke(app, ["admin", "bootstrap"]).output.startswith("aloft_admin_")


def test_no_key_is_made_for_a_database_that_there_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = aloft("admin", "bootstrap", fails=1)
    assert said.startswith("NO_DATABASE")
    assert "aloft up" in said
    assert "--data-dir" in said
    aloft("admin", "bootstrap", "--data-dir", str(tmp_path / "typo"), fails=1)
    assert list(tmp_path.iterdir()) == []


def test_a_service_that_does_not_answer_is_named_with_what_says_where_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ALOFT_KEY", "any")
    monkeypatch.setenv("ALOFT_LABEL_STORE_TARGET", "127.0.0.1:1")
    assert "ALOFT_HOST" in aloft("campaign", "list", fails=1)


def test_provisioning_says_what_is_wrong() -> None:
    nobody = "postgresql://nobody:x@127.0.0.1:9/none"
    said = aloft("admin", "provision", "--admin-url", nobody, "--service", "embedding", fails=1)
    assert "embedding was not provisioned" in said
    assert "Traceback" not in said


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A label store that is served, and an administrator's key in the environment."""
    with opened(tmp_path) as made:
        monkeypatch.setenv("ALOFT_KEY", label_store.bootstrap(label_store.Settings(), made.database))
        server = Server(made.service.servicers, label_store.verifier(label_store.Settings(), made.database))
        monkeypatch.setenv("ALOFT_LABEL_STORE_TARGET", f"127.0.0.1:{server.start()}")
        try:
            yield made
        finally:
            server.stop(0)


def test_a_key_is_made_listed_and_revoked_after_its_grace(world: World) -> None:
    made = aloft("key", "create", "operators/ann")
    assert made["secret"].startswith("aloft_operator_")
    (listed,) = aloft("key", "list", "--principal", "operators/ann")
    assert (listed["key"], listed["ends"]) == (made["name"], "")
    assert "secret" not in listed, "a secret is shown once"
    aloft("key", "revoke", made["name"], "--grace-minutes", "5")
    verifier = label_store.verifier(label_store.Settings(), world.database)
    assert verifier.verify(made["secret"]) is not None, "it works until its grace is over"
    world.database.advance(301)
    assert verifier.verify(made["secret"]) is None


def test_a_vendors_key_is_rotated_with_a_grace_and_then_all_are_revoked(world: World) -> None:
    aloft("campaign", "create", "harbour", "--label", "ship")
    first = aloft("vendor", "create", "acme", "--campaign", "harbour")
    second = aloft("vendor", "rotate", "acme", "--grace-minutes", "5")
    verifier = label_store.verifier(label_store.Settings(), world.database)
    assert verifier.verify(second["secret"]) is not None
    assert verifier.verify(first["secret"]) is not None, "the old key has no grace"
    world.database.advance(301)
    assert verifier.verify(first["secret"]) is None, "the old key outlives its grace"
    ended = aloft("vendor", "revoke", "acme")
    assert {one["key"] for one in ended} == {first["name"], second["name"]}
    assert verifier.verify(second["secret"]) is None
    assert "NOT_FOUND" in aloft("vendor", "rotate", "nobody", fails=1)


def test_no_key_is_made_where_the_grace_is_refused(world: World) -> None:
    aloft("campaign", "create", "harbour", "--label", "ship")
    first = aloft("vendor", "create", "acme", "--campaign", "harbour")
    for grace in ("5260321", "9999999999999999"):
        aloft("vendor", "rotate", "acme", "--grace-minutes", grace, fails=2)
    assert [one["key"] for one in aloft("key", "list", "--principal", "vendors/acme")] == [first["name"]]
    aloft("vendor", "rotate", "acme", "--grace-minutes", "5260320")


def test_a_key_is_shown_to_a_person_whole_and_on_one_line(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    aloft("campaign", "create", "harbour", "--label", "ship")
    monkeypatch.setattr(output.out, "width", 40)
    shown = CliRunner().invoke(app, ["vendor", "create", "acme", "--campaign", "harbour"]).stdout
    (secret,) = [line.split()[1] for line in shown.splitlines() if line.startswith("secret")]
    verifier = label_store.verifier(label_store.Settings(), world.database)
    assert verifier.verify(secret) is not None, shown


def test_a_campaign_is_created_from_options_over_a_file(world: World, tmp_path: Path) -> None:
    file = tmp_path / "campaign.json"
    file.write_text(
        json.dumps(
            {
                "taxonomy": {"labels": [{"id": "ship", "guideline": "Any vessel."}]},
                "budget": {"images": 10},
                "training": {"steps": 50},
            }
        )
    )
    options = ["--budget", "400", "--mode", "probe", "--held-out", "imported", "--overlap", "2"]
    judged = ["--gate", "0.3", "--target", "0.8"]
    made = aloft("campaign", "create", "harbour", "--file", str(file), *options, *judged)
    assert [(one["id"], one["guideline"]) for one in made["taxonomy"]["labels"]] == [("ship", "Any vessel.")]
    assert (made["budget"]["images"], made["overlap"]) == ("400", 2)
    assert (made["training"]["mode"], made["training"]["steps"]) == ("MODE_PROBE", "50")
    assert made["held_out"] == {"imported": True}
    assert (made["gate"]["minimum"], made["stop_rules"]["target_score"]) == (0.3, 0.8)


def test_labels_of_the_options_replace_those_of_the_file(world: World, tmp_path: Path) -> None:
    file = tmp_path / "campaign.json"
    file.write_text(json.dumps({"taxonomy": {"labels": [{"id": "ship"}, {"id": "quay"}]}}))
    chosen = ["--label", "ship", "--label", "dock"]
    made = aloft("campaign", "create", "harbour", "--file", str(file), *chosen)
    assert [label["id"] for label in made["taxonomy"]["labels"]] == ["ship", "dock"]


def test_a_campaign_begins_by_self_supervision_unless_random_weights_are_asked_for(world: World) -> None:
    made = aloft("campaign", "create", "harbour", "--label", "ship")
    assert made["base_model"]["pretraining"]["method"] == "simclr"
    made = aloft("campaign", "create", "port", "--label", "ship", "--random-weights", "--seed", "7")
    assert made["base_model"] == {"architecture": "resnet18", "seed": "7"}
    made = aloft("campaign", "create", "quay", "--label", "ship", "--seed", "7")
    begun = [made["strategy"], made["training"], made["base_model"]["pretraining"]]
    assert [one["seed"] for one in begun] == ["7"] * 3, "a random choice begins from something else"


def test_what_is_named_of_a_campaign_changes_and_nothing_else(world: World) -> None:
    aloft("campaign", "create", "harbour", "--label", "ship", "--held-out", "imported", "--budget", "400")
    options = ["--strategy", "kcenter", "--batch-size", "7", "--steps", "50", "--learning-rate", "0.01"]
    judged = ["--mode", "probe", "--gate", "0.3", "--target", "0.8"]
    made = aloft("campaign", "update", "harbour", *options, *judged)
    assert made["strategy"]["expression"] == "kcenter"
    assert (made["batch_policy"]["size"], made["budget"]["images"]) == (7, "400")
    training = made["training"]
    assert (training["mode"], training["steps"], training["learning_rate"]) == ("MODE_PROBE", "50", 0.01)
    assert (made["gate"]["minimum"], made["stop_rules"]["target_score"]) == (0.3, 0.8)
    assert aloft("campaign", "update", "harbour", "--budget", "0")["budget"]["images"] == "0"
    closing = ("--close-fraction", "0.9", "--close-after-hours", "1.5")
    policy = aloft("campaign", "update", "harbour", *closing)["batch_policy"]
    assert policy == {"size": 7, "close_fraction": 0.9, "close_after": "5400s"}
    policy = aloft("campaign", "update", "harbour", "--close-after-hours", "0")["batch_policy"]
    assert policy == {"size": 7, "close_fraction": 0.9}
    assert "name what is to change" in aloft("campaign", "update", "harbour", fails=2)
    assert "kcente" in aloft("campaign", "update", "harbour", "--strategy", "kcente", fails=1)


def test_an_import_of_nothing_fails_and_starts_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aloft.cli.following.time.sleep", lambda _seconds: world.jobs.step())
    aloft("campaign", "create", "harbour", "--label", "ship")
    assert "none lies under 'zzz'" in aloft("images", "import", "harbour", "--prefix", "zzz", fails=1)
    (listed,) = aloft("campaign", "list")
    assert listed["state"] == "PAUSED"


def test_an_import_says_what_it_did_although_the_campaign_cannot_go_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work_and_stop(_seconds: float) -> None:
        while world.jobs.step():
            pass
        world.stop()

    monkeypatch.setattr("aloft.cli.following.time.sleep", work_and_stop)
    world.campaign()
    world.put(0, 1, 2)
    done = CliRunner().invoke(app, ["images", "import", CAMPAIGN, "--json"])
    assert (done.exit_code, json.loads(done.stdout)["registered_images"]) == (1, "3"), done.output
    assert "STOPPED" in done.stderr


def test_what_contradicts_itself_is_wrong_usage(world: World) -> None:
    both = ("--held-out", "imported", "--evaluation-images", "20")
    assert "name one" in aloft("campaign", "create", "harbour", "--label", "ship", *both, fails=2)
    assert "begins from the base" in aloft(
        "run", "create", "harbour", "--fine-tune", "--checkpoint", "x", fails=2
    )


def test_a_gate_without_labels_to_judge_by_is_refused(world: World) -> None:
    said = aloft("campaign", "create", "harbour", "--label", "ship", "--gate", "0.3", fails=1)
    assert "held_out" in said


def test_a_campaign_is_stopped_for_good(world: World) -> None:
    aloft("campaign", "create", "harbour", "--label", "ship")
    assert aloft("campaign", "stop", "harbour")["state"] == "STATE_STOPPED"
    assert "harbour" in [one["campaign"] for one in aloft("campaign", "list") if one["state"] == "STOPPED"]
    assert aloft("campaign", "resume", "harbour", fails=1)
