import pytest

from aloft.trainer.domain.campaign import Gate
from aloft.trainer.domain.gate import gate_failure


@pytest.mark.parametrize(
    ("gate", "score", "before"),
    [
        (Gate(), 0.0, 0.9),
        (Gate(minimum=0.5), 0.5, None),
        (Gate(max_drop=0.1), 0.01, None),
        (Gate(max_drop=0.25), 0.5, 0.75),
        (Gate(), None, 0.9),
        (Gate(max_drop=0.1), None, None),
    ],
)
def test_a_version_passes(gate: Gate, score: float | None, before: float | None) -> None:
    assert gate_failure(gate, score, before) == ""


@pytest.mark.parametrize(("gate", "before"), [(Gate(minimum=0.5), None), (Gate(max_drop=0.1), 0.9)])
def test_a_version_that_cannot_be_judged_passes_no_bound(gate: Gate, before: float | None) -> None:
    assert "no score to compare" in gate_failure(gate, None, before)


def test_a_version_below_the_minimum_fails_and_is_told_by_how_much() -> None:
    said = gate_failure(Gate(minimum=0.5), 0.42, None)
    assert said == "its score 0.4200 is below the minimum of 0.5000"


def test_a_version_that_drops_too_far_fails_and_is_told_by_how_much() -> None:
    said = gate_failure(Gate(minimum=0.1, max_drop=0.05), 0.5, 0.6)
    assert said == "its score dropped by 0.6000 - 0.5000 = 0.1000, and may drop by 0.0500"
