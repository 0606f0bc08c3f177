"""What is shown while a demonstration runs."""

import io

from rich.console import Console

from aloft.demo.plan import Plan
from aloft.demo.screen import LiveScreen, PlainScreen, screen
from aloft.demo.steps import advance, counts_of, steps_of
from aloft.demo.watch import Seen

PLAN = Plan(images=10, batches=1, batch_size=4)
WAITS = {"trainer": "run 1, which is at work", "embedding": "a promoted model version"}


def test_plain_lines_say_each_thing_once() -> None:
    console = Console(file=io.StringIO(), width=80)
    plain = PlainScreen(console, "a title")
    seen = Seen(registered=10, waiting=WAITS)
    steps = advance(steps_of(PLAN), counts_of(PLAN, seen), 2.0)
    plain.show(steps, seen, 2.0)
    plain.show(steps, seen, 2.5)
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    assert len([line for line in lines if "10 of 10 registered" in line]) == 1
    assert len([line for line in lines if "trainer waits for run 1" in line]) == 1
    assert "s to go" in lines[1], "a line says how long it still takes"


def test_a_change_of_counts_alone_is_no_news() -> None:
    console = Console(file=io.StringIO(), width=80)
    plain = PlainScreen(console, "a title")
    for left in (9, 5):
        seen = Seen(registered=1, waiting={"label-store": f"{left} images"})
        plain.show(advance(steps_of(PLAN), counts_of(PLAN, seen), 1.0), seen, 1.0)
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue().count("waits for") == 1


def test_the_live_picture_shows_steps_and_what_each_service_waits_for() -> None:
    console = Console(file=io.StringIO(), width=100, force_terminal=True)
    live = screen(console, "a title", lambda: 2.0)
    assert isinstance(live, LiveScreen), "a terminal gets a picture"
    seen = Seen(registered=10, waiting=WAITS)
    live.show(advance(steps_of(PLAN), counts_of(PLAN, seen), 2.0), seen, 2.0)
    live.close()
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    for expected in ("10 of 10", "run 1, which is at work", "batch 1", "s to go"):
        assert expected in shown, f"the picture lacks {expected!r}"
