from pathlib import Path

import pytest
from typer.testing import CliRunner

from aloft.cli.main import app
from tests.unit.simulation.made import labelled_folder

CONFIG = """
data = "$IMAGES"
strategies = ["random", "centroids"]
architecture = "tiny"
init = "scratch"
size = 8
initial = 4
batch = 3
rounds = 1
seeds = 2
parallel = 1
"""


def called(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["simulate", *words])
    return result.exit_code, " ".join((result.stdout + result.stderr).split())


def test_a_configuration_file_is_followed_and_options_win(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMAGES", str(labelled_folder(tmp_path / "data")))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "file.toml").write_text(CONFIG)
    code, said = called(
        "--config", str(tmp_path / "file.toml"), "--seeds", "1", "--out", str(tmp_path / "out")
    )
    assert code == 0, said
    assert "rounds: 4 of 4" in said
    assert (tmp_path / "out" / "report.html").exists()
    assert (tmp_path / "cache" / "aloft" / "simulate" / "features").is_dir()


def test_what_is_missing_is_named() -> None:
    code, said = called("--data", "images")
    assert code == 1
    assert "out: Field required" in said
    assert "strategies: Field required" in said


def test_strategies_are_divided_at_commas_that_are_not_a_parameters(tmp_path: Path) -> None:
    code, said = called("--data", "x", "--out", str(tmp_path), "--strategies", "random,mge+kmeans(h=2),kmean")
    assert code == 1
    assert "'kmean'" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("data = ", "is not TOML"),
        ('data = "cost$"', "write $$ for a dollar sign"),
        ('data = "$NOWHERE_AT_ALL/x"', "speaks of $NOWHERE_AT_ALL: set it"),
        ("bach = 3", "bach: there is no such option"),
    ],
)
def test_a_configuration_file_that_cannot_be_used_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "file.toml").write_text(text)
    code, told = called("--config", str(tmp_path / "file.toml"))
    assert code == 1
    assert said in told


def test_a_cache_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, said = called("--data", "images", "--cache", str(tmp_path / "file"))
    assert code == 1
    assert "is a file; name a folder" in said


def test_a_configuration_file_that_is_not_there_is_refused() -> None:
    code, said = called("--config", "nowhere.toml")
    assert code == 1
    assert "nowhere.toml cannot be read" in said
