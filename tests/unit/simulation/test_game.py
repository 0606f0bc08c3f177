from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from aloft import strategies
from aloft.simulation.arms import Arm
from aloft.simulation.game import Board, play
from aloft.simulation.journal import Journal, Round
from aloft.simulation.oracle import Oracle
from aloft.strategies.pool import ArrayPool, Ids, hexadecimal, ids
from aloft.strategies.strategy import Needs, Picks, Strategy
from tests.unit.simulation.made import LABELS, board

STRATEGIES = (
    "random",
    "mge+kmeans",
    "random>class_balanced(margin)+herding",
    "random>bald",
    "random>mtd+kmeans",
)


def journal(folder: Path) -> Journal:
    return Journal(folder / "later", folder / "first")


def played(setting: Board, expression: str, folder: Path, seed: int = 0) -> list[Round]:
    play(setting, Arm.parse(expression), seed, journal(folder), lambda rounds: None)
    return journal(folder).rounds(99)


def batches(rounds: list[Round]) -> list[list[str]]:
    return [[each.path for each in one.batch] for one in rounds]


def chosen_in(rounds: list[Round]) -> list[str]:
    return [path for batch in batches(rounds) for path in batch]


def told_apart(rounds: list[Round]) -> list[tuple[object, ...]]:
    return [(one.strategy, one.labels, one.batch, one.scores, one.ap, one.positives) for one in rounds]


class Recording(Oracle):
    """Remembers which images it was asked for."""

    def __init__(self, images: Ids, targets: NDArray[np.uint8]) -> None:
        super().__init__(images, targets)
        self.asked: set[str] = set()

    def label(self, images: Ids) -> NDArray[np.float32]:
        self.asked |= set(hexadecimal(images))
        return super().label(images)


@pytest.mark.parametrize("expression", STRATEGIES)
def test_each_round_labels_a_batch_that_was_not_labelled_before(expression: str, tmp_path: Path) -> None:
    rounds = played(board(), expression, tmp_path)
    assert [one.labels for one in rounds] == [6, 11, 16, 21]
    paths = chosen_in(rounds)
    assert len(paths) == len(set(paths)) == 21
    assert all(0 <= one.scores["map_macro"] <= 1 for one in rounds)
    assert rounds[0].ap.keys() == set(LABELS)


@pytest.mark.parametrize("expression", STRATEGIES)
def test_the_oracle_is_asked_for_what_was_chosen_and_nothing_else(expression: str, tmp_path: Path) -> None:
    setting = board()
    oracle = Recording(setting.images, np.ones((len(setting.images), 3), np.uint8))
    rounds = played(replace(setting, oracle=oracle), expression, tmp_path)
    of = dict(zip(setting.paths, hexadecimal(setting.images), strict=True))
    assert oracle.asked == {of[path] for path in chosen_in(rounds)}


@pytest.mark.parametrize("expression", STRATEGIES)
def test_labels_that_nobody_asked_for_change_nothing(expression: str, tmp_path: Path) -> None:
    setting = board()
    truth = setting.oracle.label(setting.images).astype(np.uint8)
    honest = played(setting, expression, tmp_path / "honest")
    chosen = set(chosen_in(honest))
    other = truth.copy()
    unasked = [row for row, path in enumerate(setting.paths) if path not in chosen]
    other[unasked] = 1 - other[unasked]
    again = played(replace(setting, oracle=Oracle(setting.images, other)), expression, tmp_path / "other")
    assert told_apart(again) == told_apart(honest)


def test_a_seed_gives_the_same_rounds_twice_and_another_gives_others(tmp_path: Path) -> None:
    first = played(board(), "mge+kmeans", tmp_path / "a")
    assert told_apart(played(board(), "mge+kmeans", tmp_path / "b")) == told_apart(first)
    assert batches(played(board(), "mge+kmeans", tmp_path / "c", seed=1)) != batches(first)


def test_what_draws_nothing_varies_with_the_share_of_the_pool_that_a_seed_plays_on(tmp_path: Path) -> None:
    whole = [batches(played(board(), "kcenter", tmp_path / f"whole {seed}", seed)) for seed in (0, 1)]
    shared = replace(board(), share=0.8)
    parts = [batches(played(shared, "kcenter", tmp_path / f"part {seed}", seed)) for seed in (0, 1)]
    assert whole[0] == whole[1], "k-center drew something"
    assert parts[0] != parts[1], "both seeds played on the same pool"


def test_arms_that_begin_alike_begin_with_the_same_images(tmp_path: Path) -> None:
    arms = ("random", "random>mge+kmeans")
    begun = [batches(played(board(), arm, tmp_path / arm))[0] for arm in arms]
    assert begun[0] == begun[1]


@pytest.mark.parametrize("expression", STRATEGIES)
@pytest.mark.parametrize("rounds", [1, 2, 3])
def test_an_arm_that_was_stopped_goes_on_as_if_it_had_not_been(
    expression: str, rounds: int, tmp_path: Path
) -> None:
    whole = played(board(), expression, tmp_path / "whole")
    played(board(rounds=rounds - 1), expression, tmp_path / "stopped")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "stopped").rglob("*.json")}
    assert len(before) == rounds
    assert told_apart(played(board(), expression, tmp_path / "stopped")) == told_apart(whole)
    assert {path: path.stat().st_mtime_ns for path in before} == before, "a finished round was written again"


def test_a_strategy_is_given_what_it_declared_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[ArrayPool] = []
    random = strategies.load("random")

    def select(pool: ArrayPool, *rest: object) -> Picks:
        seen.append(pool)
        return random.select(pool, *rest)  # type: ignore[arg-type]

    needs = Needs(logits=True)
    spy = Strategy("spy", needs, random.rank, select)  # type: ignore[arg-type]
    monkeypatch.setattr(strategies, "load", lambda expression: spy if expression == "entropy" else random)
    played(board(rounds=1), "random>entropy", tmp_path)
    pool = seen[0]
    assert pool.logits is not None
    assert pool.features is None
    assert pool.covering is None
    assert pool.before is None
    assert len(pool.images) == 54
    assert pool.known.labelled == 6


def test_a_strategy_that_chooses_too_few_ends_the_arm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = strategies.load("random")
    lazy = Strategy("lazy", Needs(), random.rank, lambda *given: Picks((), "it did not feel like it"))
    monkeypatch.setattr(strategies, "load", lambda expression: lazy)
    with pytest.raises(RuntimeError, match="random chose 0 images of 6: it did not feel like it"):
        played(board(), "random", tmp_path)


def test_an_oracle_refuses_images_that_are_not_of_the_pool() -> None:
    setting = board()
    with pytest.raises(LookupError):
        setting.oracle.label(ids(["ff" * 16]))


def test_play_tells_how_many_rounds_are_behind_those_of_before_among_them(tmp_path: Path) -> None:
    told: list[int] = []
    for rounds in (1, 3):
        play(replace(board(), rounds=rounds), Arm.parse("random"), 0, journal(tmp_path), told.append)
        assert journal(tmp_path).played(99) == rounds + 1

    assert told == [0, 1, 2, 2, 3, 4]
