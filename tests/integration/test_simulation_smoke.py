"""Strategies on a small archive made by code: they beat random, and what would make them worse is found."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from aloft import strategies
from aloft.simulation import game
from aloft.strategies.pool import ArrayPool, Ids, Pool
from aloft.strategies.strategy import Needs, Ranked, Strategy
from tests.integration.smoke_world import CURVE, POSITIVES, Came, leaks, random_came_to, shortfalls

Truth = Callable[[Ids], NDArray[np.float32]]


ARMS = (strategies.DEFAULT, "random>mge+kmeans", "random>class_balanced(margin)+herding")


@pytest.fixture(scope="module")
def random(tmp_path_factory: pytest.TempPathFactory) -> list[Came]:
    return random_came_to(tmp_path_factory.mktemp("random"))


def shortfalls_of(arm: str, random: list[Came], folder: Path) -> set[str]:
    return {one.split(":")[0] for one in shortfalls(arm, random, folder)}


@pytest.mark.parametrize("arm", ARMS)
def test_an_arm_beats_random(arm: str, random: list[Came], tmp_path: Path) -> None:
    assert list(shortfalls(arm, random, tmp_path)) == []


@pytest.mark.parametrize("arm", ARMS)
def test_an_arm_sees_no_label_that_it_did_not_ask_for(arm: str, tmp_path: Path) -> None:
    assert list(leaks(arm, tmp_path)) == []


@pytest.mark.parametrize("arm", ARMS)
def test_random_in_the_place_of_a_strategy_is_found(
    arm: str, random: list[Came], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = strategies.load("random")
    monkeypatch.setattr(strategies, "load", lambda expression: drawn)
    assert shortfalls_of(arm, random, tmp_path) == {CURVE, POSITIVES}


@pytest.mark.parametrize("arm", ARMS)
def test_an_uncertainty_with_the_wrong_sign_is_found(
    arm: str, random: list[Came], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = strategies.load

    def flipped(expression: str) -> Strategy:
        strategy = load(expression)
        if not strategy.needs.logits:
            return strategy

        def rank(pool: Pool, size: int, seed: int) -> Ranked:
            ranked = strategy.rank(pool, size, seed)
            return Ranked.of(ranked.images, -ranked.scores, ranked.left_out)

        return replace(strategy, rank=rank)

    monkeypatch.setattr(strategies, "load", flipped)
    # A batch that covers the pool keeps much of the curve even so: what gives it away is what it labels.
    assert POSITIVES in shortfalls_of(arm, random, tmp_path)


def labels_as_norms(pool: ArrayPool, truth: Truth) -> ArrayPool:
    return pool if pool.norms is None else replace(pool, norms=pool.norms + truth(pool.images).sum(axis=1))


def labels_as_counts(pool: ArrayPool, truth: Truth) -> ArrayPool:
    counts = tuple(int(count) for count in truth(pool.images).sum(axis=0))
    return replace(pool, known=replace(pool.known, positives=counts))


@pytest.mark.parametrize(
    ("arm", "leak"),
    [
        ("random>mge+kmeans", labels_as_norms),
        ("random>class_balanced(margin)+herding", labels_as_counts),
    ],
)
def test_labels_of_the_pool_among_what_a_strategy_reads_are_found(
    arm: str,
    leak: Callable[[ArrayPool, Truth], ArrayPool],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lay_out = game._Game._pool

    def leaking(self: game._Game, number: int, labelled: NDArray[np.intp], needs: Needs) -> ArrayPool:
        return leak(lay_out(self, number, labelled, needs), self._board.oracle.label)

    monkeypatch.setattr(game._Game, "_pool", leaking)
    assert list(leaks(arm, tmp_path)), "labels that nobody gave were read, and nothing told"
