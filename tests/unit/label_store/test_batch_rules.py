"""Which images a batch takes, and when it closes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloft.api.labels.v1 import campaign_pb2 as pb
from aloft.label_store.domain.batches import Candidate, CloseReason, accepted, close_reason


def candidate(image: str, **facts: bool) -> Candidate:
    """Make a free image of the pool, but for what is said."""
    free = {"in_pool": True, "quarantined": False, "labelled": False, "skipped": False, "out": False}
    return Candidate(image, **{**free, **facts})


@pytest.mark.parametrize("fact", ["quarantined", "labelled", "skipped", "out"])
def test_an_image_that_is_not_free_is_not_taken(fact: str) -> None:
    known = {"a": candidate("a"), "b": candidate("b", **{fact: True})}
    assert accepted(["b", "a"], known, None) == (["a"], ["b"])


def test_an_image_that_is_held_out_or_unknown_is_not_taken() -> None:
    known = {"a": candidate("a", in_pool=False)}
    assert accepted(["a", "nowhere"], known, None) == ([], ["a", "nowhere"])


def test_a_budget_trims_in_the_order_of_the_selection() -> None:
    known = {one: candidate(one) for one in "abc"}
    assert accepted(["c", "a", "b"], known, 2) == (["c", "a"], ["b"])


def test_an_image_that_is_selected_twice_is_taken_once() -> None:
    assert accepted(["a", "a"], {"a": candidate("a")}, None) == (["a"], [])


@given(size=st.integers(1, 10_000), percent=st.integers(1, 100))
def test_a_batch_closes_at_its_fraction_and_not_one_image_before(size: int, percent: int) -> None:
    policy = pb.BatchPolicy(close_fraction=percent / 100)
    due = -(-size * percent // 100)
    assert close_reason(policy, size, due) is not None
    assert due == 1 or close_reason(policy, size, due - 1) is None


def test_a_batch_that_is_done_is_complete_whatever_its_fraction() -> None:
    assert close_reason(pb.BatchPolicy(close_fraction=0.5), 4, 4) is CloseReason.COMPLETE
    assert close_reason(pb.BatchPolicy(close_fraction=0.5), 4, 2) is CloseReason.CLOSE_FRACTION
