"""Settings: where values come from, and the sentence that a wrong one is answered with."""

import os
from pathlib import Path
from typing import ClassVar

import pytest
from pydantic import Field

from aloft.kit.settings import RpcSettings, Section, Settings, SettingsError, describe, load


class RankingSettings(Section):
    """A service's own section."""

    workers: int = Field(1, ge=1, le=64, description="How many campaigns are ranked at once.")


class Own(Settings):
    """A service's settings."""

    service: ClassVar[str] = "acquisition"
    rpc: RpcSettings = RpcSettings(port=7712)
    ranking: RankingSettings = RankingSettings()


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("ALOFT_"):
            monkeypatch.delenv(name)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "aloft.toml"
    path.write_text('data_dir = "/srv/aloft"\n[rpc]\nport = 8000\nreflection = true\n[trainer]\nx = 1\n')
    monkeypatch.setenv("ALOFT_SETTINGS", str(path))
    return path


def test_everything_has_a_default_that_works_embedded() -> None:
    settings = load(Own)
    assert settings.database.url.get_secret_value() == "sqlite:///aloft-data/acquisition.db"
    assert settings.bus.path == Path("aloft-data/bus.db"), "the bus has no place"
    assert settings.objects.directory == Path("aloft-data/objects"), "the objects have no place"
    assert settings.rpc.port == 7712, "the service's own default is lost"


def test_the_environment_is_stronger_than_the_file_and_the_file_than_the_default(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALOFT_RPC__PORT", "9000")
    monkeypatch.setenv("ALOFT_RANKING__WORKERS", "3")
    settings = load(Own)
    assert settings.rpc.port == 9000, "the file won over the environment"
    assert settings.rpc.reflection, "the file's value is lost beside another of its section"
    assert settings.ranking.workers == 3, "a service's own section is not read"
    assert settings.bus.path == Path("/srv/aloft/bus.db"), "the data folder of the file is not used"
    sources = {row.name: row.source for row in describe(Own)}
    assert sources["ALOFT_RPC__PORT"] == "env", sources
    assert sources["ALOFT_RPC__REFLECTION"] == "file", sources
    assert sources["ALOFT_RPC__HOST"] == "default", sources


def test_every_setting_is_described_and_no_secret_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALOFT_RPC__KEY_PEPPER", "pepper-" * 6)
    monkeypatch.setenv("ALOFT_DATABASE__URL", "postgresql+psycopg://me:hunter2@db/aloft")
    rows = {row.name: row for row in describe(Own)}
    for row in rows.values():
        assert row.description.endswith("."), f"{row.name} is not described"
        assert row.allowed, f"{row.name} does not say what is allowed"
        assert "hunter2" not in row.value, f"{row.name} shows a password"
        assert "pepper-" not in row.value, f"{row.name} shows a secret"
    assert rows["ALOFT_RANKING__WORKERS"].allowed == "a whole number, from 1 to 64"
    assert rows["ALOFT_BUS__KIND"].allowed == "one of embedded, kafka"


WRONG = [
    ({"RPC__PORT": "abc"}, "ALOFT_RPC__PORT is 'abc': it should be a valid integer"),
    ({"RPC__PORT": "70000"}, "allowed: a whole number, from 0 to 65535"),
    ({"RPC__PROT": "1"}, "ALOFT_RPC__PROT is no setting; did you mean ALOFT_RPC__PORT?"),
    ({"RCP__PORT": "1"}, "ALOFT_RCP__PORT is no setting; did you mean ALOFT_RPC__PORT?"),
    ({"RPC": "1"}, "ALOFT_RPC is a section, which is set by ALOFT_RPC__<NAME>"),
    ({"RPC": "x"}, "a section is set by ALOFT_<SECTION>__<NAME>"),
    ({"RPC__HOST": "0.0.0.0"}, "ALOFT_RPC__KEY_PEPPER is the embedded default, which everybody knows"),
    ({"RPC__KEY_PEPPER": "hunter2"}, "ALOFT_RPC__KEY_PEPPER is ********"),
    ({"RPC__TLS_CERT": "/nowhere"}, "ALOFT_RPC__TLS_KEY is missing: certificate and key are set together"),
    ({"RPC__CA_FILE": "/nowhere"}, "ALOFT_RPC__CA_FILE is /nowhere: there is no such file"),
    ({"RPC__REFLECTION": "maybe"}, "ALOFT_RPC__REFLECTION is 'maybe'"),
    ({"BUS__KIND": "rabbit"}, "allowed: one of embedded, kafka"),
    ({"BUS__KIND": "kafka"}, "ALOFT_BUS__BOOTSTRAP_SERVERS is missing"),
    (
        {"BUS__KIND": "kafka", "BUS__BOOTSTRAP_SERVERS": "k:9092", "BUS__SECURITY_PROTOCOL": "SASL_SSL"},
        "sasl_mechanism, sasl_username and sasl_password are needed",
    ),
    ({"OBJECTS__KIND": "s3"}, "ALOFT_OBJECTS__*: endpoint"),
    ({"TELEMETRY__METRICS_PORT": "7712"}, "ALOFT_TELEMETRY__METRICS_PORT is 7712, as ALOFT_RPC__PORT is"),
    ({"TELEMETRY__OTLP_ENDPOINT": "otel:4317"}, "ALOFT_TELEMETRY__OTLP_ENDPOINT is 'otel:4317'"),
    ({"RANKING__WORKERS": "0"}, "allowed: a whole number, from 1 to 64"),
    ({"SETTINGS": "/nowhere.toml"}, "ALOFT_SETTINGS is /nowhere.toml: there is no such file"),
]


@pytest.mark.parametrize(("variables", "sentence"), WRONG)
def test_a_wrong_setting_stops_the_start_with_a_sentence(
    variables: dict[str, str], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"ALOFT_{name}", value)
    with pytest.raises(SettingsError) as refused:
        load(Own)
    assert sentence in str(refused.value), f"it says instead: {refused.value}"
    assert "hunter2" not in str(refused.value), "it shows a secret"


def test_every_problem_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALOFT_RPC__PORT", "abc")
    monkeypatch.setenv("ALOFT_DATABASE__POOL_SIZE", "0")
    monkeypatch.setenv("ALOFT_BUS__KNID", "kafka")
    with pytest.raises(SettingsError) as refused:
        load(Own)
    assert len(refused.value.problems) == 3, refused.value.problems


def test_a_file_that_is_not_toml_is_refused(file: Path) -> None:
    file.write_text("port = = 1")
    with pytest.raises(SettingsError, match="is no TOML file"):
        load(Own)


def test_what_kubernetes_and_other_services_put_into_the_environment_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ALOFT_LABEL_STORE_PORT", "tcp://10.0.0.1:7710")
    monkeypatch.setenv("ALOFT_TRAINER__DEVICE", "cuda")
    assert load(Own).rpc.port == 7712, "a foreign variable changed something"
