"""What passes with dropout disagree about."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from aloft.learning.bald import mutual_information
from aloft.learning.draws import drawn
from aloft.networks import Head

Floats = NDArray[np.float32]


def head(labels: int, size: int, seed: int = 0) -> Head:
    draw = np.random.default_rng(seed)
    return Head(
        draw.normal(size=(labels, size)).astype(np.float32), draw.normal(size=labels).astype(np.float32)
    )


def rows(count: int, size: int, seed: int = 1) -> Floats:
    return np.random.default_rng(seed).normal(size=(count, size)).astype(np.float32)


def seed_that_keeps(*wanted: bool) -> int:
    """Find a seed whose passes over one feature keep it so."""
    kept = (
        seed
        for seed in range(1000)
        if (drawn(seed, "dropout", 0).random((len(wanted), 1, 1))[:, 0, 0] >= 0.5).tolist() == list(wanted)
    )
    return next(kept)


def test_a_pass_for_and_a_pass_in_doubt_disagree_as_worked_by_hand() -> None:
    """One feature, kept by one pass of two: p = σ(2·50) = 1 and p = σ(0) = ½.

    The mean is ¾, whose entropy is 0.8113 of ln 2; the mean entropy is (0 + 1)/2; the rest is 0.3113. The
    second label has no weight: its passes agree, and the mean over both labels is half of that.
    """
    decided = Head(np.array([[1.0], [0.0]], np.float32), np.zeros(2, np.float32))
    found = mutual_information(
        np.array([[50.0]], np.float32), decided, passes=2, rate=0.5, seed=seed_that_keeps(True, False)
    )
    entropy = -(0.75 * math.log2(0.75) + 0.25 * math.log2(0.25))
    np.testing.assert_allclose(found, [(entropy - 0.5) / 2], rtol=1e-6)


def test_what_is_kept_is_scaled_up() -> None:
    """A logit of 1 becomes one of 2, at a rate of one half: p = σ(2) and p = ½."""
    single = Head(np.ones((1, 1), np.float32), np.zeros(1, np.float32))
    found = mutual_information(
        np.ones((1, 1), np.float32), single, passes=2, rate=0.5, seed=seed_that_keeps(False, True)
    )
    high = 1 / (1 + math.exp(-2))

    def entropy(p: float) -> float:
        return -(p * math.log2(p) + (1 - p) * math.log2(1 - p))

    np.testing.assert_allclose(found, [entropy((high + 0.5) / 2) - (entropy(high) + 1) / 2], rtol=1e-6)


def test_passes_without_dropout_agree() -> None:
    np.testing.assert_allclose(mutual_information(rows(50, 8), head(3, 8), rate=0.0), 0.0, atol=1e-12)


def test_dropout_is_active_for_every_row() -> None:
    assert (mutual_information(rows(50, 8), head(3, 8)) > 1e-4).all()


def test_values_lie_between_nothing_and_all_that_one_answer_can_tell() -> None:
    found = mutual_information(100 * rows(200, 8), head(3, 8))
    assert found.dtype == np.float32
    assert ((found >= 0) & (found <= 1)).all()


def test_features_on_which_labels_do_not_hang_change_nothing() -> None:
    given = head(3, 8)
    blind = Head(np.where(np.arange(8) < 4, given.weight, 0).astype(np.float32), given.bias)
    one, other = rows(20, 8), rows(20, 8)
    other[:, 4:] = 7
    np.testing.assert_array_equal(mutual_information(one, blind), mutual_information(other, blind))


@pytest.mark.parametrize("cut", [1, 7, 1023, 1024, 1500])
def test_a_row_has_its_value_wherever_it_lies_and_is_cut(cut: int) -> None:
    features, given = rows(2100, 16), head(5, 16)
    whole = mutual_information(features, given, seed=3)
    parts = [mutual_information(part, given, seed=3) for part in (features[:cut], features[cut:])]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    shuffled = np.random.default_rng(4).permutation(2100)
    np.testing.assert_array_equal(mutual_information(features[shuffled], given, seed=3), whole[shuffled])


def test_labels_in_another_order_change_nothing_but_rounding() -> None:
    features, given = rows(40, 16), head(5, 16)
    turned = Head(given.weight[::-1].copy(), given.bias[::-1].copy())
    np.testing.assert_allclose(
        mutual_information(features, turned), mutual_information(features, given), rtol=1e-5
    )


def test_the_seed_decides_the_masks() -> None:
    features, given = rows(40, 16), head(5, 16)
    one, same, other = (mutual_information(features, given, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_rows_that_are_not_finite_have_no_value_and_spoil_no_other() -> None:
    features, given = rows(6, 8).astype(np.float16), head(3, 8)
    good = mutual_information(features, given)
    features[1, 0], features[4, 2] = np.nan, np.inf
    found = mutual_information(features, given)
    assert np.isnan(found).tolist() == [False, True, False, False, True, False]
    np.testing.assert_array_equal(found[[0, 2, 3, 5]], good[[0, 2, 3, 5]])


def test_no_rows_have_no_values() -> None:
    assert mutual_information(np.empty((0, 8), np.float32), head(3, 8)).shape == (0,)


@pytest.mark.parametrize("wrong", [{"passes": 0}, {"rate": 1.0}, {"rate": -0.1}])
def test_masks_that_cannot_be_drawn_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="at least 1 at a rate in"):
        mutual_information(rows(1, 8), head(3, 8), **wrong)  # type: ignore[arg-type]
