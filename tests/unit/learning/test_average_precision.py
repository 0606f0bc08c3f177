from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloft.learning.average_precision import average_precision, weighted_average_precisions


def slowly(scores: list[int], positive: list[bool]) -> Fraction:
    """Average precision by its definition, one threshold after another, in exact numbers."""
    total, recalled = Fraction(0), 0
    for threshold in sorted(set(scores), reverse=True):
        called = [hit for score, hit in zip(scores, positive, strict=True) if score >= threshold]
        total += Fraction(sum(called) - recalled, sum(positive)) * Fraction(sum(called), len(called))
        recalled = sum(called)
    return total


@pytest.mark.parametrize(
    ("scores", "positive", "wanted"),
    [
        ([0.9, 0.8, 0.1], [1, 1, 0], 1.0),
        ([0.9, 0.8, 0.1], [0, 1, 1], (1 / 2 + 2 / 3) / 2),
        ([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1], (1 + 2 / 3) / 2),
        ([0.5, 0.5, 0.5, 0.5], [1, 0, 0, 0], 1 / 4),
        ([0.7, 0.5, 0.5, 0.2], [0, 1, 0, 1], (1 / 3 + 2 / 4) / 2),
    ],
)
def test_average_precision_is_what_it_is_by_hand(
    scores: list[float], positive: list[int], wanted: float
) -> None:
    assert average_precision(np.array(scores), np.array(positive, bool)) == pytest.approx(wanted)


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=2, max_size=20))
def test_average_precision_keeps_to_its_definition_whatever_ties(pairs: list[tuple[int, bool]]) -> None:
    scores, positive = [score for score, _ in pairs], [hit for _, hit in pairs]
    found = average_precision(np.array(scores, float), np.array(positive))
    if len(set(positive)) == 1:
        assert found is None, "images that are all alike have no average precision"
    else:
        assert found == pytest.approx(float(slowly(scores, positive)))


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans(), st.integers(0, 3)), min_size=2, max_size=12))
def test_an_image_that_counts_twice_is_as_good_as_two(counted: list[tuple[int, bool, int]]) -> None:
    scores, positive, counts = (np.array(column) for column in zip(*counted, strict=True))
    found = weighted_average_precisions(scores, positive, counts[None])[0]
    repeated = [(int(score), bool(hit)) for score, hit, count in counted for _ in range(count)]
    if not any(hit for _, hit in repeated):
        assert np.isnan(found)
    else:
        assert found == pytest.approx(float(slowly(*map(list, zip(*repeated, strict=True)))))
