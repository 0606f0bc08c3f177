import json
from pathlib import Path

import pytest

from aloft.kit.errors import AloftError, FailedPrecondition
from aloft.simulation import provenance
from aloft.simulation.experiment import simulate
from aloft.simulation.options import Options, options_of
from tests.unit.simulation.made import labelled_folder, untold

FILES = ("experiment.json", "results.csv", "picks.csv")


def options(folder: Path, **given: object) -> Options:
    whole = {
        "data": folder / "data",
        "out": folder / "out",
        "strategies": ["random", "random>mge+kmeans"],
        "architecture": "tiny",
        "init": "scratch",
        "size": 8,
        "initial": 4,
        "batch": 3,
        "rounds": 2,
        "seeds": 2,
        "parallel": 1,
    }
    return options_of({**whole, **given})


def written(out: Path) -> dict[str, bytes]:
    return {name: (out / name).read_bytes() for name in FILES}


def test_the_same_seeds_give_the_same_files_however_many_arms_are_played_at_once(tmp_path: Path) -> None:
    labelled_folder(tmp_path / "data")
    simulate(options(tmp_path, out=tmp_path / "one"), tmp_path / "cache", untold)
    simulate(options(tmp_path, out=tmp_path / "two", parallel=2), tmp_path / "elsewhere", untold)
    assert written(tmp_path / "one") == written(tmp_path / "two")
    lines = (tmp_path / "one" / "results.csv").read_text().splitlines()
    assert lines[0] == "strategy,seed,round,labels,metric,label,value"
    assert len({tuple(line.split(",")[:4]) for line in lines[1:]}) == 2 * 2 * 3
    about = json.loads((tmp_path / "one" / "experiment.json").read_text())
    assert about["labels"] == ["field", "river", "ship"]
    assert about["images"]["pool"] == 24


def test_called_again_it_adds_what_is_missing_and_plays_nothing_anew(tmp_path: Path) -> None:
    labelled_folder(tmp_path / "data")
    simulate(options(tmp_path, seeds=1, rounds=1), tmp_path / "cache", untold)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / ".rounds").rglob("0*.json")}
    assert len(before) == 3, "two arms that begin alike share their first round"
    simulate(options(tmp_path, seeds=1), tmp_path / "cache", untold)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert "random,0,2,10," in (tmp_path / "out" / "results.csv").read_text()


def test_a_folder_of_another_experiment_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labelled_folder(tmp_path / "data")
    simulate(options(tmp_path, seeds=1, rounds=1), tmp_path / "cache", untold)
    before = written(tmp_path / "out")
    with pytest.raises(FailedPrecondition, match=r"out: .* another batch, data_digest, size: name another"):
        simulate(options(tmp_path, seeds=1, rounds=1, batch=2, size=9), tmp_path / "cache", untold)
    monkeypatch.setattr("aloft.simulation.starting.pretrain_on", None)
    with pytest.raises(FailedPrecondition, match="another init: name another"):
        simulate(options(tmp_path, seeds=1, rounds=1, init="ssl"), tmp_path / "cache", untold)
    assert written(tmp_path / "out") == before


def test_rounds_of_other_code_are_not_mixed_with_those_of_this(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    provenance.claim(tmp_path, keep=False)
    provenance.claim(tmp_path, keep=False)
    monkeypatch.setattr(provenance, "code_digest", lambda: "another")
    with pytest.raises(FailedPrecondition, match="--keep-rounds"):
        provenance.claim(tmp_path, keep=False)
    provenance.claim(tmp_path, keep=True)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"rounds": 9}, "rounds: 4 images and 9 batches of 3 are 31, and the pool offers 24: ask for fewer"),
        ({"architecture": "resnet"}, "architecture: no architecture 'resnet'"),
        ({"data": Path("nowhere")}, "data: there is no nowhere"),
        ({"strategies": ["random", "kmean"]}, "kmean"),
        ({"labels": Path("nowhere.csv")}, "labels: there is no file nowhere.csv"),
        ({"device": "gpu"}, "device: 'gpu' is no device"),
        ({"device": "cuda:99"}, "device: cuda:99: there is no such GPU here"),
        (
            {"architecture": "vit_tiny_patch16_224", "size": 16},
            "size: vit_tiny_patch16_224 takes no images of 16",
        ),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_played(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: dict[str, object], said: str
) -> None:
    labelled_folder(tmp_path / "data")
    monkeypatch.setattr("aloft.simulation.experiment.play_all", None)
    with pytest.raises(AloftError) as caught:
        simulate(options(tmp_path, **given), tmp_path / "cache", untold)
    assert said in caught.value.message


def test_weights_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    labelled_folder(tmp_path / "data")
    (tmp_path / "weights").write_bytes(b"nothing")
    with pytest.raises(AloftError, match=r"init: .* not a safetensors file"):
        simulate(options(tmp_path, init=str(tmp_path / "weights")), tmp_path / "cache", untold)
