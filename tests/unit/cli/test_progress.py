import io

from rich.console import Console

from aloft.cli.progress import telling


def test_without_a_terminal_a_line_now_and_then_says_how_long_it_will_take() -> None:
    now = 0.0
    written = io.StringIO()
    with telling(Console(file=written, width=200), lambda: now) as tell:
        for done in range(101):
            tell(done, 100, "rounds")
            now += 1.0
        tell(1, 2, "features")
        now += 7200.0
        tell(2, 2, "features")
    assert written.getvalue().splitlines() == [
        "rounds: 0 of 100",
        "rounds: 15 of 100, about 1 min 25 s left",
        "rounds: 30 of 100, about 1 min 10 s left",
        "rounds: 45 of 100, about 55 s left",
        "rounds: 60 of 100, about 40 s left",
        "rounds: 75 of 100, about 25 s left",
        "rounds: 90 of 100, about 10 s left",
        "rounds: 100 of 100, after 1 min 40 s",
        "features: 1 of 2",
        "features: 2 of 2, after 2 h 00 min",
    ]


def test_on_a_terminal_each_stage_has_a_bar() -> None:
    written = io.StringIO()
    with telling(Console(file=written, width=100, force_terminal=True)) as tell:
        tell(1, 2, "features")
        tell(2, 2, "features")
    assert "2/2" in written.getvalue()
