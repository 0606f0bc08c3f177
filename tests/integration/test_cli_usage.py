"""How `aloft` takes its options: from settings where none is given, and none that cannot be."""

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from aloft.cli import output
from aloft.cli.main import app

LARGE = "99999999999"
"""More than 32 bits hold."""
HUGE = "99999999999999999999"
"""More than 64 bits hold."""

WRONG = [
    ("batch preview c --seed -1", "--seed"),
    (f"batch preview c --seed {HUGE}", "--seed"),
    (f"batch preview c --size {LARGE}", "--size"),
    (f"batch compare c random bald --size {LARGE}", "--size"),
    ("batch compare c random bald --seed -1", "--seed"),
    (f"campaign create c --batch-size {LARGE}", "--batch-size"),
    (f"campaign create c --overlap {LARGE}", "--overlap"),
    (f"campaign create c --budget {HUGE}", "--budget"),
    (f"campaign create c --evaluation-images {HUGE}", "--evaluation-images"),
    (f"campaign create c --seed {HUGE}", "--seed"),
    (f"campaign update c --batch-size {LARGE}", "--batch-size"),
    (f"campaign update c --budget {HUGE}", "--budget"),
    (f"campaign update c --steps {HUGE}", "--steps"),
    ("campaign update c --close-after-hours inf", "--close-after-hours"),
    ("campaign update c --close-after-hours nan", "--close-after-hours"),
    ("campaign update c --close-after-hours 1e300", "--close-after-hours"),
    ("campaign watch c --every inf", "--every"),
    ("campaign watch c --every nan", "--every"),
    (f"ranking show c --first {HUGE}", "--first"),
    (f"vendor create v --campaign c --max-leases {LARGE}", "--max-leases"),
    ("vendor create v --campaign c --max-leases -1", "--max-leases"),
    ("vendor rotate v --grace-minutes 5260321", "--grace-minutes"),
    ("key revoke apiKeys/x --grace-minutes 9999999999999999", "--grace-minutes"),
    ("images import c --manifest list.csv --prefix a/", "--prefix"),
    ("images import c --manifest list.csv --validation 0.1", "--validation"),
    ("images import c --manifest list.csv --test 0.1", "--test"),
    ("up --port 99999", "--port"),
    ("up --port 65530", "--port"),
    ("up --port -5", "--port"),
    ("up --port 0", "--port"),
]


class Started(list[tuple[Path, int]]):
    """Where `aloft up` would have run, instead of running."""

    def __call__(self, data_dir: Path, port: int) -> None:
        self.append((data_dir, port))


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Started:
    """Stand in a fresh folder; nothing is started."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("aloft.cli.running.run_embedded", found := Started())
    return found


def aloft(*arguments: str) -> Any:
    """Run a command that reaches no service."""
    env = {"COLUMNS": "200", "ALOFT_KEY": "any", "ALOFT_LABEL_STORE_TARGET": "127.0.0.1:1"}
    return CliRunner().invoke(app, list(arguments), env=env)


def refused(*arguments: str) -> str:
    """Run a command that is wrong usage, and read what it says."""
    done = aloft(*arguments)
    assert done.exit_code == 2, f"{arguments} ended with {done.exit_code}: {done.output} {done.exception!r}"
    return str(done.stderr)


@pytest.mark.parametrize(("line", "option"), WRONG, ids=[line for line, _ in WRONG])
def test_a_value_that_cannot_be_is_wrong_usage_and_its_option_is_named(
    started: Started, line: str, option: str
) -> None:
    assert option in refused(*line.split())
    assert started == []


@pytest.mark.parametrize("variable", ["ALOFT_CA_FILE", "ALOFT_CERT_FILE", "ALOFT_CERT_KEY_FILE"])
@pytest.mark.parametrize("command", [("campaign", "list"), ("campaign", "why", "c")])
def test_a_certificate_that_is_not_there_is_named_with_its_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str, command: tuple[str, ...]
) -> None:
    pem = tmp_path / "some.pem"
    pem.write_text("PEM")
    for each in ("ALOFT_CERT_FILE", "ALOFT_CERT_KEY_FILE", "ALOFT_CA_FILE"):
        monkeypatch.setenv(each, "/nosuch" if each == variable else str(pem))
    said = refused(*command)
    assert variable in said
    assert "/nosuch" in said


def test_up_keeps_its_data_and_listens_where_the_settings_say(
    started: Started, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ALOFT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("ALOFT_RPC__PORT", "7800")
    assert aloft("up").exit_code == 0
    assert aloft("up", "--data-dir", "other", "--port", "7900").exit_code == 0
    assert started == [(tmp_path / "data", 7800), (Path("other"), 7900)]


def test_up_has_usual_places_where_nobody_says_otherwise(started: Started) -> None:
    assert aloft("up").exit_code == 0
    assert started == [(Path("aloft-data"), 7710)]


def test_a_port_of_the_settings_that_leaves_no_room_is_named_with_its_variable(
    started: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALOFT_RPC__PORT", "65530")
    assert "ALOFT_RPC__PORT" in refused("up")
    assert started == []


def test_up_does_not_take_a_file_for_its_folder(
    started: Started, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_text("")
    assert "--data-dir" in refused("up", "--data-dir", str(file))
    assert "--data-dir" in refused("up", "--data-dir", str(file / "in-it"))
    monkeypatch.setenv("ALOFT_DATA_DIR", str(file))
    assert "ALOFT_DATA_DIR" in refused("up")
    assert started == []


def test_settings_are_listed_by_whole_names_each_with_its_description_below(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(output.out, "width", 80)
    lines = aloft("settings", "trainer").stdout.splitlines()
    (at,) = [at for at, line in enumerate(lines) if line.startswith("ALOFT_RPC__MAX_MESSAGE_BYTES ")]
    assert "value: 16777216" in lines[at]
    assert lines[at + 1].strip() == "Longest message taken or given, in bytes."
