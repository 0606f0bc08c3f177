"""How far the demonstration is, and how long it may still take."""

import pytest

from aloft.demo.plan import Plan
from aloft.demo.steps import Step, advance, counts_of, eta_s, steps_of
from aloft.demo.watch import Seen

PLAN = Plan(images=10, batches=2, batch_size=4)


def at(seen: Seen, now: float, steps: list[Step] | None = None) -> list[Step]:
    return advance(steps or steps_of(PLAN), counts_of(PLAN, seen), now)


def test_a_step_begins_where_the_one_before_it_ends() -> None:
    steps = at(Seen(registered=4), 3.0)
    assert steps[0].over, "the services are up as soon as anything is seen"
    assert (steps[1].begun, steps[1].done, steps[1].over) == (3.0, 4, False)
    assert steps[2].begun is None, "no model is waited for before the images are registered"


def test_all_steps_are_over_when_both_batches_are_closed() -> None:
    seen = Seen(registered=10, version=1, embedded=10, closed=2)
    assert all(step.ended == 7.0 for step in at(seen, 7.0))


def test_a_batch_is_not_over_before_it_is_closed() -> None:
    whole = Seen(registered=10, version=1, embedded=10, open_batch=1, done=4, of=4)
    assert not at(whole, 7.0)[4].over, "everything labelled is not closed yet"
    later = Seen(registered=10, version=1, embedded=10, closed=1, open_batch=2, done=1, of=4)
    steps = at(later, 8.0, at(whole, 7.0))
    assert steps[4].over
    assert steps[5].done == 1


def test_a_step_never_goes_back() -> None:
    steps = at(Seen(registered=6), 2.0, at(Seen(registered=9), 1.0))
    assert steps[1].done == 9


def test_what_remains_follows_from_the_count_where_there_is_one() -> None:
    step = Step("images", "", "", 100.0, done=2, of=8, begun=1.0)
    assert step.remaining_s(5.0) == pytest.approx(12.0), "2 in 4 s, so 6 in 12 s"


def test_what_remains_without_a_count_is_what_is_usual_and_never_nothing() -> None:
    step = Step("model", "", "", 3.0, begun=1.0)
    assert step.remaining_s(2.0) == pytest.approx(2.0)
    assert step.remaining_s(60.0) > 0, "what is late still takes a moment"


def test_batches_to_come_take_what_those_before_took() -> None:
    done = Step("batch 1", "", "", 9.0, begun=0.0, ended=2.0)
    to_come = [Step(f"batch {number}", "", "", 9.0) for number in (2, 3)]
    assert eta_s([done, *to_come], 2.0) == pytest.approx(4.0)
