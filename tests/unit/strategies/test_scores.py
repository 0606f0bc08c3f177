"""Each score by hand. The logits are ln(p / (1 − p)) of the probabilities that the tests speak of."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloft import strategies
from aloft.strategies import entropy, margin, mge
from aloft.strategies.pool import ArrayPool, Known, hexadecimal
from tests.unit.strategies.pools import image, pool_of

H_QUARTER = 2 - 0.75 * math.log2(3)
"""The entropy of 1/4 and 3/4 in bits: −(1/4) log₂(1/4) − (3/4) log₂(3/4)."""


def pool(*probabilities: list[float], positives: tuple[int, ...] = ()) -> ArrayPool:
    """Make a pool of images with these probabilities of their labels, and features of length 1."""
    logits = [[math.log(p / (1 - p)) for p in row] for row in probabilities]
    counts = positives or (0,) * len(probabilities[0])
    known = Known(tuple(map(str, range(len(counts)))), counts, sum(counts))
    return replace(pool_of([[1.0]] * len(logits), logits), known=known)


def scores(expression: str, of: ArrayPool) -> list[float]:
    """Score each image of a pool."""
    ranked = strategies.load(expression).rank(of, 2, 1)
    by_image = dict(zip(hexadecimal(ranked.images), ranked.scores.tolist(), strict=True))
    return [by_image.get(one, math.nan) for one in hexadecimal(of.images)]


EXAMPLE = pool([0.5, 0.25], [0.25, 0.75], [0.5, 0.5], positives=(3, 0))
"""w ∝ (1/4, 1), so w = (0.4, 1.6)."""


@pytest.mark.parametrize(
    ("expression", "by_hand"),
    [
        ("entropy", [(1 + H_QUARTER) / 2, H_QUARTER, 1]),
        ("max(entropy)", [1, H_QUARTER, 1]),
        ("class_balanced(entropy)", [(0.4 + 1.6 * H_QUARTER) / 2, H_QUARTER, 1]),
        ("margin", [0.75, 0.5, 1]),
        ("max(margin)", [1, 0.5, 1]),
        ("class_balanced(margin)", [(0.4 * 1 + 1.6 * 0.5) / 2, 0.5, 1]),
        # |a| = (1/2, 1/4), (1/4, 1/4), (1/2, 1/2), times √(1² + 1).
        ("mge", [math.sqrt(5 / 16 * 2), math.sqrt(2 / 16 * 2), math.sqrt(8 / 16 * 2)]),
        (
            "class_balanced(mge)",
            [
                math.sqrt((0.2**2 + 0.4**2) * 2),
                math.sqrt((0.1**2 + 0.4**2) * 2),
                math.sqrt((0.2**2 + 0.8**2) * 2),
            ],
        ),
        ("rare_positive", [0.4 * 0.5 + 1.6 * 0.25, 0.4 * 0.25 + 1.6 * 0.75, 0.4 * 0.5 + 1.6 * 0.5]),
    ],
)
def test_it_is_what_it_is_by_hand(expression: str, by_hand: list[float]) -> None:
    assert scores(expression, EXAMPLE) == pytest.approx(by_hand, rel=1e-6)


@pytest.mark.parametrize("name", ["mll", "bald"])
def test_what_embedding_wrote_is_the_score_as_it_was_written(name: str) -> None:
    written = np.array([0.25, -1.5, math.nan, 3.0], dtype=np.float32)
    of = replace(pool_of([[1.0]] * 4), columns={name: written})
    assert scores(name, of) == pytest.approx([0.25, -1.5, math.nan, 3.0], nan_ok=True)
    assert strategies.load(name).rank(of, 2, 1).left_out == 1
    with pytest.raises(TypeError, match=f"reads the column '{name}', and the pool was opened without it"):
        strategies.load(name).rank(pool_of([[1.0]]), 2, 1)


@given(st.lists(st.floats(-700, 700), min_size=1, max_size=6))
def test_entropy_and_margin_lie_between_none_and_one_and_are_alike_for_a_label_and_its_opposite(
    logits: list[float],
) -> None:
    for per_label in (entropy.per_label, margin.per_label):
        found = per_label(np.array([logits]))
        assert (found >= 0).all()
        assert (found <= 1 + 1e-15).all()
        np.testing.assert_array_equal(found, per_label(-np.array([logits])))


def test_logits_however_large_overflow_nothing() -> None:
    extreme = np.array([[3e38, -3e38, 0.0]])
    assert entropy.per_label(extreme).tolist() == [[0, 0, 1]]
    assert margin.per_label(extreme).tolist() == [[0, 0, 1]]


def test_weights_of_one_change_nothing_to_the_last_bit() -> None:
    draw = np.random.default_rng(1)
    logits, norms = draw.normal(size=(200, 17)).astype(np.float32), draw.random(200).astype(np.float32)
    there, here = mge.magnitudes(logits, norms), mge.magnitudes(logits, norms, np.ones(17))
    assert there.tobytes() == here.tobytes()


def test_without_a_diversity_the_best_scored_are_the_batch() -> None:
    strategy = strategies.load("margin")
    picks = strategy.select(EXAMPLE, strategy.rank(EXAMPLE, 2, 1), 2, 1)
    assert picks.images == (image(2), image(0))
    assert picks.picks[0].why == "Number 1 of 3 by its score."


@pytest.mark.parametrize("diversity", ["kmeans", "kcenter"])
def test_a_wider_choice_of_candidates_reaches_further_down_the_ranking(diversity: str) -> None:
    of = pool(*[[0.5 - number / 100] for number in range(30)])
    assert of.features is not None
    of.features[:, 0] = [0] * 20 + [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    narrow, wide = (strategies.load(f"margin+{diversity}(h={h})") for h in (2, 15))
    ranked = narrow.rank(of, 2, 1)
    best = {one.hex() for one in ranked.images[:4].tolist()}
    assert set(narrow.select(of, ranked, 2, 1).images) <= best
    assert not set(wide.select(of, ranked, 2, 1).images) <= best


def test_a_pool_opened_without_logits_is_refused() -> None:
    for name in ("entropy", "rare_positive"):
        with pytest.raises(TypeError, match="reads logits, and the pool was opened without them"):
            strategies.load(name).rank(replace(pool_of([[1.0]]), known=EXAMPLE.known), 2, 1)
