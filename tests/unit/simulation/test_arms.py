import pytest

from aloft.kit.errors import InvalidArgument
from aloft.simulation.arms import Arm, arms_of, check_starts


def test_an_arm_begins_as_its_own_strategy_does_without_a_head() -> None:
    arm = Arm.parse("mge+kmeans")
    assert (arm.first(40), arm.later(40, 40, 900)) == ("centroids", "mge+kmeans")


def test_an_arm_may_begin_by_another_strategy() -> None:
    arm = Arm.parse("random > mge+kmeans")
    assert (arm.first(40), arm.later(40, 40, 900)) == ("random", "mge+kmeans")
    assert str(arm) == "random>mge+kmeans"


def test_a_wrong_name_is_answered_with_near_ones() -> None:
    with pytest.raises(InvalidArgument, match="kmeans"):
        Arm.parse("random>mge+kmean")


@pytest.mark.parametrize("texts", [(), ("random", "random"), (">random",)])
def test_arms_that_make_no_comparison_are_refused(texts: tuple[str, ...]) -> None:
    with pytest.raises(InvalidArgument):
        arms_of(texts)


def test_a_start_that_would_need_a_head_is_refused_before_anything_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("aloft.strategies.in_force", lambda expression, standing: expression)
    with pytest.raises(InvalidArgument) as caught:
        check_starts(arms_of(("random", "entropy")), 40)
    assert "write START>entropy, such as random>entropy" in caught.value.violations[0].description
