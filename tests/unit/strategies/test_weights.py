import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloft.strategies.pool import Known
from aloft.strategies.weights import MOST, class_balanced


def weights(*positives: int) -> list[float]:
    found: list[float] = class_balanced(Known(tuple(map(str, range(len(positives)))), positives, 99)).tolist()
    return found


def test_they_are_in_proportion_to_one_over_one_more_than_the_positives_and_one_on_average() -> None:
    # 1/1 : 1/2 : 1/4, which add up to 7/4: three of them, 12/7 : 6/7 : 3/7.
    assert weights(0, 1, 3) == pytest.approx([12 / 7, 6 / 7, 3 / 7], rel=1e-15)


def test_what_is_above_the_cap_is_cut_and_what_is_below_it_takes_that_up_in_proportion() -> None:
    # In proportion the first would have 20 · 1 / (1 + 18/100 + 1/50) = 50/3. It has 10; of the 10 that are
    # left for nineteen, 18 have 1/100 and one has 1/50 of κ = 10 / (18/100 + 1/50) = 50.
    assert weights(0, *[99] * 18, 49) == pytest.approx([10, *[0.5] * 18, 1], rel=1e-15)


def test_what_rises_above_the_cap_by_what_was_cut_is_cut_too() -> None:
    # 40 labels: 1, 1/2 and 38 of 1/1000 add up to 1.538. In proportion: 26, 13, …; both are capped.
    found = weights(0, 1, *[999] * 38)
    assert found[:2] == [10, 10]
    assert found[2:] == pytest.approx([20 / 38] * 38)


@pytest.mark.parametrize("count", [0, 2, 6, 48])
def test_labels_that_are_as_rare_as_each_other_weigh_exactly_one(count: int) -> None:
    assert weights(*[count] * 17) == [1.0] * 17


@given(st.lists(st.integers(0, 100_000), min_size=1, max_size=60))
def test_the_mean_is_one_none_is_above_the_cap_and_a_rarer_label_weighs_no_less(
    positives: list[int],
) -> None:
    found = np.array(weights(*positives))
    assert found.mean() == pytest.approx(1, rel=1e-12)
    assert found.max() <= MOST
    assert found.min() > 0
    order = np.argsort(positives, kind="stable")
    assert (np.diff(found[order]) <= 0).all()
    free = found < MOST
    shares = found[free] * (np.array(positives)[free] + 1)
    np.testing.assert_allclose(shares, shares[:1].repeat(len(shares)), rtol=1e-12)


def test_counts_of_other_labels_are_refused() -> None:
    with pytest.raises(TypeError, match="1 counts of positives for 2 labels"):
        class_balanced(Known(("river", "road"), (1,)))
