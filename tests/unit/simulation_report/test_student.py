import math

import numpy as np
import pytest

from aloft.simulation.report.student import bootstrap, mean_of, resampled, t_quantile


@pytest.mark.parametrize(
    ("freedom", "expected"),
    [
        (1, 12.7062),
        (2, 4.3027),
        (3, 3.1824),
        (4, 2.7764),
        (9, 2.2622),
        (10, 2.2281),
        (29, 2.0452),
        (100, 1.9840),
    ],
)
def test_quantiles_of_students_t_are_those_of_the_tables(freedom: int, expected: float) -> None:
    assert t_quantile(freedom) == pytest.approx(expected, abs=5e-5)


def test_many_degrees_of_freedom_come_to_the_normal_distribution() -> None:
    assert t_quantile(100_000) == pytest.approx(1.959964, abs=1e-4)


def test_an_interval_worked_by_hand() -> None:
    # The mean of 1, 2, 3 is 2, s = 1, t(2) = 4.3027.
    found = mean_of([1.0, 2.0, 3.0])
    assert found.mean == 2.0
    assert found.high == pytest.approx(2 + 4.3027 / math.sqrt(3), abs=1e-4)
    assert found.low == pytest.approx(2 - 4.3027 / math.sqrt(3), abs=1e-4)


def test_a_single_seed_has_no_interval() -> None:
    assert (mean_of([0.5]).low, mean_of([0.5]).high) == (None, None)
    assert bootstrap(0.5, np.array([0.5, 0.5]), 1).low is None


def test_seeds_are_drawn_anew_with_replacement_and_always_alike() -> None:
    drawn = resampled(5)
    assert set(drawn.sum(axis=1)) == {5}
    assert drawn.mean() == pytest.approx(1.0)
    assert (drawn == resampled(5)).all()
    # A share of (1 − 1/5)^5 of the draws leaves out any one seed.
    assert (drawn[:, 0] == 0).mean() == pytest.approx(0.8**5, abs=0.02)
