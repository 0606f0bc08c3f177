"""What is shown while a demonstration runs."""

import io
from dataclasses import replace

from rich.console import Console

from aloft.demo.curve import curve_rows
from aloft.demo.plan import Plan
from aloft.demo.screen import LiveScreen, PlainScreen, screen
from aloft.demo.steps import Step, advance, reached_by, steps_of
from aloft.demo.watch import Seen

PLAN = Plan(images=10, test=2, batches=2, batch_size=4)
SEEN = Seen(registered=12, base_version=1, closed=1, scores=(0.41,), waiting={"trainer": "label revision 8"})


def steps(active: Seen) -> list[Step]:
    return advance(steps_of(PLAN), reached_by(PLAN, active, Seen()), 2.0)


def said(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_plain_lines_say_each_thing_once() -> None:
    console = Console(file=io.StringIO(), width=80)
    plain = PlainScreen(console, PLAN)
    for now in (2.0, 2.5):
        plain.show(steps(SEEN), {"active": SEEN}, now)
    lines = said(console).splitlines()
    assert len([line for line in lines if "base version for both arms" in line]) == 1
    assert len([line for line in lines if "macro mAP 0.410 with 4 labels" in line]) == 1
    assert len([line for line in lines if "round 2 of 2: embedding" in line]) == 1
    assert "s to go" in lines[1], "a line says how long it still takes"


def test_a_change_of_counts_alone_is_no_news() -> None:
    console = Console(file=io.StringIO(), width=80)
    plain = PlainScreen(console, PLAN)
    for embedded in (1, 5):
        seen = replace(SEEN, embedded=embedded)
        plain.show(steps(seen), {"active": seen}, 1.0)
    assert said(console).count("round 2 of 2: embedding") == 1


def test_the_live_picture_shows_steps_the_curve_and_what_is_waited_for() -> None:
    console = Console(file=io.StringIO(), width=100, force_terminal=True, color_system=None)
    live = screen(console, PLAN, lambda: 2.0)
    assert isinstance(live, LiveScreen), "a terminal gets a picture"
    live.show(steps(SEEN), {"active": SEEN}, 2.0)
    live.close()
    for expected in ("round 2 of 2", "trainer waits for label revision 8", "●", "s to go"):
        assert expected in said(console), f"the picture lacks {expected!r}"


def test_the_curve_rises_to_the_right() -> None:
    rows = [row.plain for row in curve_rows([0.2, 0.4], [0.3], batches=2, batch_size=4)]
    assert rows[0].rstrip().endswith("●"), "the best score is at the top and, with all labels, to the right"
    assert "0.40" in rows[0]
    assert any("○" in row for row in rows)
    assert "8 labels" in rows[-2]


def test_without_a_score_there_is_no_curve() -> None:
    assert curve_rows([], [], batches=2, batch_size=4) == []
