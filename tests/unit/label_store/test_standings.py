"""Where an image stands by what became of its tasks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloft.label_store.domain.batches import trains
from aloft.label_store.domain.standings import Standing, Tally, goes_on, standing


@pytest.mark.parametrize(
    ("tally", "further", "where"),
    [
        (Tally(open=3), True, Standing.AWAITED),
        (Tally(open=3), False, Standing.LEFT),
        (Tally(open=2, leased=1), False, Standing.AWAITED),
        (Tally(open=1, done=2), True, Standing.AWAITED),
        (Tally(open=1, done=2), False, Standing.LABELLED),
        (Tally(done=3), True, Standing.LABELLED),
        (Tally(done=1, skipped=2), True, Standing.LABELLED),
        (Tally(skipped=3), True, Standing.SKIPPED),
        (Tally(open=2, skipped=1), True, Standing.AWAITED),
        (Tally(open=2, skipped=1), False, Standing.SKIPPED),
        (Tally(), True, Standing.LEFT),
    ],
)
def test_where_an_image_stands(tally: Tally, further: bool, where: Standing) -> None:
    assert standing(tally, goes_on=further) is where


COUNTS = st.integers(0, 3)


@given(COUNTS, COUNTS, COUNTS, st.booleans())
def test_who_holds_a_lease_is_waited_for_and_no_annotation_is_thrown_away(
    leased: int, done: int, skipped: int, further: bool
) -> None:
    where = standing(Tally(open=leased, leased=leased, done=done, skipped=skipped), goes_on=further)
    assert (where is Standing.AWAITED) == (leased > 0)
    assert not (done and where in (Standing.SKIPPED, Standing.LEFT))


@pytest.mark.parametrize(
    ("batch_is_open", "annotated", "ended", "further"),
    [
        (True, False, False, True),
        (False, True, False, True),
        (False, False, False, False),
        (True, True, True, False),
    ],
)
def test_an_image_of_a_closed_batch_goes_on_only_if_it_was_annotated(
    batch_is_open: bool, annotated: bool, ended: bool, further: bool
) -> None:
    assert goes_on(batch_is_open=batch_is_open, annotated=annotated, ended=ended) is further


@pytest.mark.parametrize(
    ("number", "reason", "labelled", "trained"),
    [
        (1, "COMPLETE", 3, True),
        (1, "CLOSE_AFTER", 1, True),
        (1, "CAMPAIGN_STOPPED", 1, True),
        (1, "CAMPAIGN_STOPPED", 0, False),
        (1, "EMPTY", 0, False),
        (2, "SUPERSEDED", 3, False),
        (0, "COMPLETE", 3, False),
    ],
)
def test_a_closing_asks_for_a_version_if_there_is_something_to_learn_from(
    number: int, reason: str, labelled: int, trained: bool
) -> None:
    assert trains(number, reason, labelled) is trained
