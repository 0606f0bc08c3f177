"""What a person sees while the demonstration runs: a live picture on a terminal, plain lines elsewhere."""

import math
import re
from collections.abc import Callable, Sequence
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from aloft.demo.stage import SERVICES
from aloft.demo.steps import Step, eta_s
from aloft.demo.watch import Seen


class Screen(Protocol):
    """Shows where the demonstration stands."""

    def show(self, steps: Sequence[Step], seen: Seen, now: float) -> None:
        """Show it as it is now, in seconds since the start."""

    def close(self) -> None:
        """Show no more."""


def screen(console: Console, title: str, clock: Callable[[], float]) -> Screen:
    """Choose what suits the console."""
    return LiveScreen(console, title, clock) if console.is_terminal else PlainScreen(console, title)


class PlainScreen:
    """A line for each thing that happens."""

    def __init__(self, console: Console, title: str) -> None:
        self._console = console
        self._said: set[str] = set()
        self._waited = ""
        console.print(f"Aloft, live: {title}", soft_wrap=True)

    def show(self, steps: Sequence[Step], seen: Seen, now: float) -> None:
        """Print what is new: a step that ended, a batch that went out, what is waited for."""
        for step in steps:
            if step.over and step.name not in self._said:
                self._said.add(step.name)
                left = "" if steps[-1].over else f"; {_left(steps, now)}"
                self._line(now, step.name, f"{_counted(step)} {step.said}{left}".strip())
        running = next((step for step in steps if not step.over), None)
        if running is None:
            return
        service, sentence = waited_for(running, seen)
        # Counts change with every look: only another reason to wait is news.
        reason = re.sub(r"\d+", "#", f"{running.name} {sentence}")
        if sentence and reason != self._waited:
            self._line(now, running.name, f"{service} waits for {sentence}")
            self._waited = reason

    def close(self) -> None:
        """Nothing stays open."""

    def _line(self, now: float, step: str, sentence: str) -> None:
        self._console.print(f"{now:6.1f} s  {step:9} {sentence}", soft_wrap=True)


class LiveScreen:
    """One picture that is drawn anew."""

    def __init__(self, console: Console, title: str, clock: Callable[[], float]) -> None:
        self._title = title
        self._clock = clock
        self._steps: Sequence[Step] = ()
        self._seen = Seen()
        self._spinner = Spinner("dots", style="cyan")
        self._live = Live(console=console, get_renderable=self._picture, refresh_per_second=8)
        self._live.start()

    def show(self, steps: Sequence[Step], seen: Seen, now: float) -> None:
        """Keep it for the next drawing."""
        self._steps, self._seen = steps, seen

    def close(self) -> None:
        """Leave the last picture."""
        self._live.stop()

    def _picture(self) -> RenderableType:
        now = self._clock()
        over = all(step.over for step in self._steps) and bool(self._steps)
        left = "" if over or not self._steps else f" · {_left(self._steps, now)}"
        head = Text.assemble(("Aloft, live  ", "bold"), (self._title, "dim"))
        parts: list[RenderableType] = [head, Text(), self._step_rows(now)]
        if self._seen.waiting and not over:
            parts += [Text(), _waiting_rows(self._seen)]
        return Group(*parts, Text(), Text(f"{now:.0f} s{left}", style="dim"))

    def _step_rows(self, now: float) -> Table:
        rows = Table.grid(padding=(0, 2))
        for step in self._steps:
            running = step.begun is not None and not step.over
            mark: RenderableType = Text("✓", "green") if step.over else Text("·", "dim")
            took = "" if step.begun is None else f"{(step.ended or now) - step.begun:.1f} s"
            bar = ProgressBar(step.of, step.done, width=24) if step.of > 1 else Text()
            style = "bold" if running else "" if step.over else "dim"
            name, count = Text(step.name, style), Text(_counted(step) or _said(step), style)
            rows.add_row(self._spinner if running else mark, name, bar, count, Text(took, "dim"))
        return rows


def waited_for(step: Step, seen: Seen) -> tuple[str, str]:
    """Say which service the running step depends on, and what that one waits for."""
    service = "label-store" if step.name.startswith("batch") and seen.open_batch else step.service
    return service, seen.waiting.get(service, "")


def _left(steps: Sequence[Step], now: float) -> str:
    return f"about {max(1, math.ceil(eta_s(steps, now)))} s to go"


def _waiting_rows(seen: Seen) -> Table:
    rows = Table.grid(padding=(0, 2))
    for service in SERVICES:
        sentence = seen.waiting.get(service, "")
        rows.add_row(" ", Text(service), Text(f"waits for {sentence}" if sentence else "–", "dim"))
    return rows


def _said(step: Step) -> str:
    return step.said if step.over else step.doing if step.begun is not None else ""


def _counted(step: Step) -> str:
    return f"{step.done} of {step.of}" if step.of > 1 else ""
