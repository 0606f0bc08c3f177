"""How far the demonstration is, and how long it may still take."""

from dataclasses import replace

import pytest

from aloft.demo.plan import Plan
from aloft.demo.steps import Reached, Step, advance, arm_reached, eta_s, reached_by, steps_of
from aloft.demo.watch import Seen

PLAN = Plan(images=10, test=2, batches=2, batch_size=4)
BASE = Seen(registered=12, base_version=1)


def at(
    active: Seen, now: float, steps: list[Step] | None = None, random: Seen | None = None
) -> dict[str, Step]:
    moved = advance(steps or steps_of(PLAN), reached_by(PLAN, active, random or Seen()), now)
    return {step.name: step for step in moved}


def test_a_step_begins_where_the_one_it_comes_after_ends() -> None:
    steps = at(Seen(registered=4), 3.0)
    assert steps["services"].over, "the services are up as soon as anything is seen"
    assert (steps["images"].begun, steps["images"].done, steps["images"].over) == (3.0, 4, False)
    assert steps["pre-training"].begun is None, "nothing is learned before the images are registered"


def test_both_arms_begin_when_there_are_weights() -> None:
    steps = at(BASE, 9.0)
    assert (steps["active"].begun, steps["random"].begun) == (9.0, 9.0)


def test_pre_training_counts_what_its_run_says() -> None:
    seen = Seen(registered=12, run="simclr", run_progress=0.25)
    assert (at(seen, 4.0)["pre-training"].done, at(seen, 4.0)["pre-training"].doing) == (25, "simclr")


@pytest.mark.parametrize(
    ("seen", "done", "doing"),
    [
        (replace(BASE, embedded=3), 0, "round 1 of 2: embedding, 3 of 10"),
        (replace(BASE, embedded=10), 5, "round 1 of 2: ranking"),
        (replace(BASE, embedded=10, open_batch=1, done=2, of=4), 20, "round 1 of 2: labelling, 2 of 4"),
        (replace(BASE, closed=1), 30, "round 1 of 2: training"),
        (replace(BASE, closed=1, run="full", run_progress=0.5), 55, "round 1 of 2: training, 50%"),
        (replace(BASE, closed=1, scores=(0.4,)), 100, "round 2 of 2: embedding, 0 of 10"),
        (replace(BASE, closed=2, scores=(0.4, 0.5)), 200, "2 rounds"),
    ],
)
def test_a_round_goes_through_its_parts(seen: Seen, done: int, doing: str) -> None:
    reached = arm_reached(PLAN, seen)
    assert (reached.done, reached.doing) == (done, doing)


def test_an_arm_is_over_with_the_version_of_its_last_batch() -> None:
    ended = replace(BASE, closed=2, scores=(0.4, 0.5))
    assert at(ended, 7.0)["active"].over
    assert not at(ended, 7.0)["random"].over, "the other arm is an arm of its own"


def test_a_step_never_goes_back() -> None:
    steps = at(Seen(registered=6), 2.0, list(at(Seen(registered=9), 1.0).values()))
    assert steps["images"].done == 9


def test_what_remains_follows_from_the_count_the_more_the_further_it_is() -> None:
    early = Step("images", "", "", 100.0, done=1, of=100, begun=0.0)
    late = replace(early, done=90)
    assert early.remaining_s(10.0) == pytest.approx(0.01 * 990 + 0.99 * 90)
    assert late.remaining_s(90.0) == pytest.approx(0.9 * 10 + 0.1 * 10)


def test_what_remains_without_a_count_is_what_is_usual_and_never_nothing() -> None:
    step = Step("services", "", "", 3.0, begun=1.0)
    assert step.remaining_s(2.0) == pytest.approx(2.0)
    assert step.remaining_s(60.0) > 0, "what is late still takes a moment"


def test_the_arms_run_beside_one_another() -> None:
    steps = list(at(BASE, 5.0).values())
    active = next(step for step in steps if step.name == "active")
    assert eta_s(steps, 5.0) == pytest.approx(active.expected_s), "the time of two arms is that of one"


def test_a_model_server_is_asked_when_both_arms_are_done() -> None:
    assert "served" not in at(BASE, 5.0), "embedded, nobody can be asked"
    steps = steps_of(PLAN, served=True)
    ended = replace(BASE, scores=(0.1, 0.2))
    moved = advance(steps, reached_by(PLAN, ended, Seen()), 5.0)
    assert moved[-1].begun is None, "the random arm has not ended"
    moved = advance(moved, {**reached_by(PLAN, ended, ended), "served": Reached(2)}, 6.0)
    assert (moved[-1].begun, moved[-1].over) == (6.0, True)
