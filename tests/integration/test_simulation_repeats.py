"""An experiment says the same again: twice, on more processes, and when it was killed in the middle."""

import multiprocessing
import os
import signal
from multiprocessing.context import SpawnProcess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aloft.simulation.experiment import simulate
from aloft.simulation.options import Options, options_of
from aloft.simulation.players import STAGE

IMAGES = 60
COLOURS = {"grass": 0, "sand": 1, "water": 2}
"""The label of each band: it is brighter where the label is."""
ENOUGH = 3
"""Rounds after which an experiment is killed."""


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive")
    chance = np.random.default_rng(0)
    rows = [",".join(("path", *COLOURS))]
    for number in range(IMAGES):
        has = chance.random(len(COLOURS)) < (0.5, 0.4, 0.2)
        pixels = chance.integers(0, 120, (16, 16, 3)) + 120 * has
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{number}.png")
        rows.append(",".join((f"{number}.png", *map(str, has.astype(int)))))
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    return folder


def options(archive: Path, out: Path, parallel: int) -> Options:
    return options_of(
        {
            "data": archive,
            "out": out,
            "strategies": ["random", "mge+kmeans"],
            "initial": 4,
            "batch": 4,
            "rounds": 2,
            "seeds": 2,
            "init": "scratch",
            "size": 16,
            "architecture": "tiny",
            "device": "cpu",
            "parallel": parallel,
        }
    )


def run(asked: Options, cache: Path) -> bytes:
    simulate(asked, cache, lambda done, total, stage: None)
    return (asked.out / "results.csv").read_bytes()


def run_until_killed(asked: Options, cache: Path) -> None:
    def told(done: int, total: int, stage: str) -> None:
        if stage == STAGE and ENOUGH <= done < total:
            os.kill(os.getpid(), signal.SIGKILL)

    simulate(asked, cache, told)


@pytest.fixture(scope="module")
def first(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return run(options(archive, tmp_path_factory.mktemp("first"), 1), tmp_path_factory.mktemp("cache"))


def test_the_same_seeds_give_the_same_results_on_one_process_and_on_two(
    archive: Path, first: bytes, tmp_path: Path
) -> None:
    assert first.count(b"map_macro") == 2 * 2 * 3, "an arm, a seed or a round is missing"
    assert run(options(archive, tmp_path / "out", 2), tmp_path / "cache") == first


def test_an_experiment_that_was_killed_goes_on_to_the_same_results(
    archive: Path, first: bytes, tmp_path: Path
) -> None:
    asked = options(archive, tmp_path / "out", 1)
    process: SpawnProcess = multiprocessing.get_context("spawn").Process(
        target=run_until_killed, args=(asked, tmp_path / "cache")
    )
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL, "it came to its end before it was killed"
    kept = {path: path.stat().st_mtime_ns for path in asked.out.rglob("*.json")}
    assert len(kept) >= ENOUGH
    assert not (asked.out / "results.csv").exists()

    assert run(asked, tmp_path / "cache") == first
    again = [path for path, written in kept.items() if path.stat().st_mtime_ns != written]
    assert [path.name for path in again] in ([], ["experiment.json"]), "a round was played a second time"
