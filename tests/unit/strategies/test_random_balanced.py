import math
from dataclasses import replace

import numpy as np
import pytest

from aloft import strategies
from aloft.strategies.pool import ArrayPool, Known
from aloft.strategies.seeds import uniform
from tests.unit.strategies.pools import image, pool_of

RANDOM_BALANCED = strategies.load("random_balanced")


def pool(logits: list[float]) -> ArrayPool:
    made = pool_of([[1.0]] * len(logits), [[one] for one in logits])
    return replace(made, known=Known(("river",), (0,), 0))


def test_the_score_is_the_key_that_its_formula_says() -> None:
    made = pool([0.0, math.log(3)])
    ranked = RANDOM_BALANCED.rank(made, 1, 7)
    # One label weighs 1, so s = p: 1/2 and 3/4.
    by_hand = [math.log(1 - u) / p for u, p in zip(uniform(made.images, 7), (0.5, 0.75), strict=True)]
    assert sorted(ranked.scores) == pytest.approx(sorted(by_hand), rel=1e-6)


def test_the_first_is_drawn_in_proportion_to_what_images_are_expected_to_bring() -> None:
    made = pool([math.log(4), math.log(1 / 4), math.log(1 / 4)])  # p = 0.8, 0.2, 0.2
    first = [RANDOM_BALANCED.rank(made, 1, seed).images[0] for seed in range(1500)]
    share = np.mean([one == made.images[0] for one in first])
    # 2/3, with a standard error of 0.012.
    assert share == pytest.approx(2 / 3, abs=0.05), f"drawn first in {share:.3f} of the draws"


def test_what_brings_nothing_is_drawn_last_and_still_at_random() -> None:
    made = pool([-3e38, -3e38, -30.0])
    orders = {tuple(RANDOM_BALANCED.rank(made, 1, seed).images.tolist()) for seed in range(20)}
    assert {order[0] for order in orders} == {made.images[2]}
    assert len(orders) == 2, "two images that bring nothing always come in one order"


def test_a_pick_says_how_it_was_drawn() -> None:
    made = pool([0.0])
    picks = RANDOM_BALANCED.select(made, RANDOM_BALANCED.rank(made, 2, 1), 2, 1)
    assert picks.images == (image(0),)
    assert picks.picks[0].why == "Drawn in favour of rare labels: place 1 of 1."
    assert picks.shortfall.startswith("1 of 2 images")
