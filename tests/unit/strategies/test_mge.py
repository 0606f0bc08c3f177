import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloft.strategies import mge
from aloft.strategies.pool import hexadecimal
from tests.unit.strategies.pools import Reordered, image, pool_of

FINITE = st.floats(-40, 40, width=32)


def gradient(logits: list[float], features: list[float]) -> float:
    """Take the length of the gradient of the loss at the last layer, written out element by element."""
    total = 0.0
    for logit in logits:
        p = 1 / (1 + math.exp(-logit))
        by_logit = p - (1 if p >= 0.5 else 0)  # d BCE(p, [p ≥ ½]) / d logit
        for seen in [*features, 1.0]:  # the 1 is what the bias sees
            total += (by_logit * seen) ** 2
    return math.sqrt(total)


@given(st.lists(FINITE, min_size=1, max_size=6), st.lists(FINITE, min_size=1, max_size=6))
def test_it_is_the_length_of_the_gradient_at_the_last_layer(
    logits: list[float], features: list[float]
) -> None:
    norm = np.sqrt(np.square(np.array([features])).sum(axis=1))
    (score,) = mge.magnitudes(np.array([logits]), norm)
    # p − 1 cancels where p is near 1: what is written out is wrong there in the last places, not the score.
    assert score == pytest.approx(gradient(logits, features), rel=1e-6, abs=1e-12 * (1 + norm[0]))


def test_it_is_the_frobenius_norm_of_the_outer_product() -> None:
    draw = np.random.default_rng(1)
    logits, features = draw.normal(size=(50, 7)), draw.normal(size=(50, 9))
    p = 1 / (1 + np.exp(-logits))
    residual = p - (p >= 0.5)
    seen = np.concatenate([features, np.ones((50, 1))], axis=1)
    outer = np.linalg.norm(np.einsum("nc,nd->ncd", residual, seen).reshape(50, -1), axis=1)
    np.testing.assert_allclose(mge.magnitudes(logits, np.linalg.norm(features, axis=1)), outer, rtol=1e-6)


def test_logits_however_large_overflow_nothing_and_are_certain() -> None:
    scores = mge.magnitudes(np.array([[3e38], [-3e38], [800.0], [0.0]]), np.ones(4))
    assert scores[:3].tolist() == [0.0, 0.0, 0.0]
    assert scores[3] == pytest.approx(0.5 * math.sqrt(2))


def test_a_label_and_its_opposite_are_as_uncertain() -> None:
    logits = np.array([[2.0, -0.3, 0.1]], dtype=np.float32)
    assert mge.magnitudes(logits, np.ones(1)) == mge.magnitudes(-logits, np.ones(1))


def test_the_most_uncertain_comes_first_and_ties_go_by_image_id() -> None:
    pool = pool_of([[1.0]] * 5, [[3.0], [0.0], [0.0], [-5.0], [1.0]])
    ranked = mge.rank(pool, 2, 0)
    tied = sorted([image(1), image(2)])
    assert hexadecimal(ranked.images) == [*tied, image(4), image(0), image(3)]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_the_network_said_that_is_no_number_is_left_out_and_counted(bad: float) -> None:
    pool = pool_of([[1.0]] * 4, [[0.0, 0.0], [0.0, bad], [0.0, 1.0], [1.0, 1.0]])
    assert pool.norms is not None
    pool.norms[3] = bad
    ranked = mge.rank(pool, 2, 0)
    assert hexadecimal(ranked.images) == [image(0), image(2)]
    assert ranked.left_out == 2


def test_many_labels_are_summed_alike_wherever_the_pool_is_cut() -> None:
    draw = np.random.default_rng(2)
    pool = pool_of(draw.normal(size=(300, 4)).tolist(), draw.normal(size=(300, 61)).tolist())
    cut = Reordered(pool, draw.permutation(300).tolist(), [1, 2, 7, 8, 129, 299])
    assert mge.rank(pool, 3, 0).scores.tobytes() == mge.rank(cut, 3, 0).scores.tobytes()


def test_an_empty_pool_gives_an_empty_ranking_and_one_without_logits_is_refused() -> None:
    assert len(mge.rank(pool_of([], []), 2, 0)) == 0
    with pytest.raises(TypeError, match="reads logits and norms"):
        mge.rank(pool_of([[1.0]]), 2, 0)
