"""How far long work is: a bar on a terminal, a line now and then elsewhere, and when it will end."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich import progress
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

if TYPE_CHECKING:
    from aloft.learning import Progress

_EVERY_S = 15.0
_STEADY_S = 60.0
"""The end is foretold from the pace of so long a time."""


@contextmanager
def telling(console: Console, clock: Callable[[], float] = time.monotonic) -> Iterator["Progress"]:
    """Tell how far the stages of something are, one after another."""
    if not console.is_terminal:
        yield _Lines(console, clock)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left:"),
        TimeRemainingColumn(),
    )
    with progress.Progress(*columns, console=console, speed_estimate_period=_STEADY_S) as bars:
        tasks = {}

        def tell(done: int, total: int, stage: str) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield tell


class _Lines:
    """A line when a stage begins and ends, and now and then between."""

    def __init__(self, console: Console, clock: Callable[[], float]) -> None:
        self._console = console
        self._clock = clock
        self._stage = ""
        self._begun = (0.0, 0)
        self._told = 0.0
        self._ended = False

    def __call__(self, done: int, total: int, stage: str) -> None:
        now = self._clock()
        if stage != self._stage or done < self._begun[1]:
            self._stage, self._begun, self._told, self._ended = stage, (now, done), now, False
            self._console.print(f"{stage}: {done} of {total}")
        elif done >= total and not self._ended:
            self._ended = True
            self._console.print(f"{stage}: {total} of {total}, after {_span(now - self._begun[0])}")
        elif done < total and now - self._told >= _EVERY_S:
            self._told = now
            self._console.print(f"{stage}: {done} of {total}{self._left(now, done, total)}")

    def _left(self, now: float, done: int, total: int) -> str:
        since, before = self._begun
        if done <= before:
            return ""
        return f", about {_span((now - since) / (done - before) * (total - done))} left"


def _span(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
