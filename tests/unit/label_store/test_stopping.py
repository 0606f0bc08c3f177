"""When a campaign has learned enough."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloft.api.labels.v1 import campaign_pb2 as pb
from aloft.label_store.domain.stopping import Scored, plateaued, stop_reason

PLATEAU = pb.StopRules(plateau=pb.StopRules.Plateau(versions=3, min_gain=0.005))


def scored(*scores: float) -> list[Scored]:
    """Make promoted versions with these scores, in order."""
    return [Scored(version, score, True) for version, score in enumerate(scores, 1)]


@pytest.mark.parametrize(
    ("scores", "flat"),
    [
        ([], False),
        ([0.7], False),
        ([0.7, 0.7, 0.7], False),
        ([0.7, 0.7, 0.7, 0.7], True),
        ([0.5, 0.7, 0.7, 0.7], False),
        ([0.7, 0.6, 0.5, 0.7049], True),
        ([0.7, 0.6, 0.5, 0.705], False),
        ([0.7, 0.705, 0.5, 0.5], False),
        ([0.7, 0.71, 0.70, 0.70, 0.71], True),
        ([0.9, 0.1, 0.2, 0.3], True),
        ([0.701, 0.702, 0.703, 0.704], True),
    ],
)
def test_a_plateau_is_some_versions_in_a_row_without_a_gain(scores: list[float], flat: bool) -> None:
    assert plateaued(scores, 3, 0.005) is flat
    assert stop_reason(PLATEAU, scored(*scores)) == ("PLATEAU" if flat else "")


@given(st.permutations(scored(0.5, 0.6, 0.601, 0.602, 0.6)))
def test_versions_that_are_heard_of_in_another_order_are_judged_in_their_own(some: list[Scored]) -> None:
    assert stop_reason(PLATEAU, some) == "PLATEAU"


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.integers(1, 5), st.floats(0.001, 0.2))
def test_who_gains_enough_with_each_version_never_ends_on_a_plateau(
    scores: list[float], versions: int, gain: float
) -> None:
    growing = [score + 2 * gain * place for place, score in enumerate(sorted(scores))]
    assert not plateaued(growing, versions, gain)
    assert plateaued([*growing, *[growing[-1]] * versions], versions, gain)


def test_a_target_is_reached_by_a_version_that_is_promoted() -> None:
    rules = pb.StopRules(target_score=0.8)
    assert stop_reason(rules, [Scored(1, 0.9, False), Scored(2, 0.79, True)]) == ""
    assert stop_reason(rules, [Scored(1, 0.8, True), Scored(2, 0.7, True)]) == "TARGET_SCORE"


def test_nothing_stops_a_campaign_without_rules() -> None:
    assert stop_reason(pb.StopRules(), scored(1.0, 1.0, 1.0, 1.0)) == ""
