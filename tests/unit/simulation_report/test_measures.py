import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloft.simulation.report.measures import area, reached

LABELS = np.array([40, 80, 160])


def test_an_area_worked_by_hand() -> None:
    # (40 · (0.2 + 0.4)/2 + 80 · (0.4 + 0.8)/2) / 120 = (12 + 48) / 120.
    assert area(LABELS, np.array([0.2, 0.4, 0.8])) == pytest.approx(0.5)


def test_the_area_of_a_level_curve_is_its_height() -> None:
    assert area(LABELS, np.full(3, 0.7)) == pytest.approx(0.7)
    assert area(np.array([40]), np.array([0.7])) == 0.7


@pytest.mark.parametrize(
    ("scores", "wanted", "expected"),
    [
        ((0.2, 0.4, 0.8), 0.6, 120.0),
        ((0.2, 0.4, 0.8), 0.4, 80.0),
        ((0.2, 0.4, 0.8), 0.1, 40.0),
        ((0.2, 0.4, 0.8), 0.9, 160.0),
        ((0.2, 0.4, 0.8), 0.8, 160.0),
        ((0.6, 0.2, 0.8), 0.7, 120.0),
        ((0.2, 0.6, 0.6), 0.6, 80.0),
    ],
    ids=["between", "at a point", "from the start", "never", "at the end", "after a fall", "level"],
)
def test_the_labels_to_reach_a_score(scores: tuple[float, ...], wanted: float, expected: float) -> None:
    assert reached(LABELS, np.array(scores), np.array([wanted]))[0] == pytest.approx(expected)


@given(st.lists(st.floats(0, 1), min_size=3, max_size=3), st.lists(st.floats(0, 1), min_size=2, max_size=9))
def test_a_higher_score_never_takes_fewer_labels(scores: list[float], wanted: list[float]) -> None:
    taken = reached(LABELS, np.array(scores), np.sort(np.array(wanted)))
    assert (np.diff(taken) >= 0).all()
    assert ((taken >= 40) & (taken <= 160)).all()
