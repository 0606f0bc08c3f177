from pathlib import Path

import pytest

from aloft.kit.errors import InvalidArgument
from aloft.simulation.report.reading import read
from tests.unit.simulation_report.left import HEADS, leave


def test_what_an_experiment_left_is_read(tmp_path: Path) -> None:
    files = read(leave(tmp_path))
    assert files.labels == ("common", "scarce")
    assert files.rare == ("scarce",)
    assert files.scores[0].value == 0.3
    assert files.picks[0].why == "Because of <3>."
    assert files.timings[-1].seconds == 2.5


@pytest.mark.parametrize("name", ["experiment.json", *HEADS])
def test_a_file_that_is_not_there_is_named(tmp_path: Path, name: str) -> None:
    (leave(tmp_path) / name).unlink()
    with pytest.raises(InvalidArgument, match=f"{name}: .* has none: name the folder"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("random,0,0,40,map_macro,,high", "results.csv, line 2: value is 'high': write a finite number"),
        ("random,0,0,40,map_macro,,nan", "results.csv, line 2: value is 'nan': write a finite number"),
        ("random,0,-1,40,map_macro,,1", "results.csv, line 2: round is '-1': write a whole number"),
        (",0,0,40,map_macro,,1", "results.csv, line 2: strategy is empty"),
        ("random,0,0,40", "results.csv, line 2: has 4 cells under 7 columns"),
    ],
)
def test_a_wrong_row_is_named_with_what_would_be_right(tmp_path: Path, row: str, said: str) -> None:
    leave(tmp_path)
    (tmp_path / "results.csv").write_text(f"{HEADS['results.csv']}\n{row}\n")
    with pytest.raises(InvalidArgument, match=said):
        read(tmp_path)


def test_other_columns_are_refused_with_the_right_ones(tmp_path: Path) -> None:
    leave(tmp_path)
    (tmp_path / "timings.csv").write_text("arm,seconds\n")
    with pytest.raises(
        InvalidArgument, match="'arm,seconds': it must be 'strategy,seed,round,stage,seconds'"
    ):
        read(tmp_path)


def test_results_without_a_row_are_no_experiment(tmp_path: Path) -> None:
    leave(tmp_path)
    (tmp_path / "results.csv").write_text(f"{HEADS['results.csv']}\n")
    with pytest.raises(InvalidArgument, match="has no row yet"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is not JSON"),
        ("[]", "holds no object"),
        ('{"labels": ["a"]}', "experiment.json: rare: is no list of names"),
        ('{"labels": [1], "rare": []}', "experiment.json: labels: is no list of names"),
    ],
)
def test_a_description_that_says_too_little_is_refused(tmp_path: Path, text: str, said: str) -> None:
    leave(tmp_path)
    (tmp_path / "experiment.json").write_text(text)
    with pytest.raises(InvalidArgument, match=said):
        read(tmp_path)
