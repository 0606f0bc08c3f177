"""What a person sees while the demonstration runs: a live picture on a terminal, plain lines elsewhere."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from aloft.demo.curve import curve_rows
from aloft.demo.plan import ACTIVE, RANDOM, Plan
from aloft.demo.steps import Step, eta_s
from aloft.demo.watch import Seen

Looks = Mapping[str, Seen]
"""What was seen of each campaign."""


class Screen(Protocol):
    """Shows where the demonstration stands."""

    def show(self, steps: Sequence[Step], looks: Looks, now: float) -> None:
        """Show it as it is now, in seconds since the start."""

    def close(self) -> None:
        """Show no more."""


def screen(console: Console, plan: Plan, clock: Callable[[], float]) -> Screen:
    """Choose what suits the console."""
    return LiveScreen(console, plan, clock) if console.is_terminal else PlainScreen(console, plan)


class PlainScreen:
    """A line for each thing that happens."""

    def __init__(self, console: Console, plan: Plan) -> None:
        self._console = console
        self._batch_size = plan.batch_size
        self._said: set[str] = set()
        self._doing: dict[str, str] = {}
        self._scores: dict[str, int] = {}
        console.print(f"Aloft, live: {plan.sentence()}", soft_wrap=True)

    def show(self, steps: Sequence[Step], looks: Looks, now: float) -> None:
        """Print what is new: a step that ended, what one does next, a score."""
        for step in steps:
            if step.over and step.said and step.name not in self._said:
                self._said.add(step.name)
                self._line(now, step.name, f"{step.said}; {_left(steps, now)}")
            if step.begun is not None and not step.over:
                self._tell(step, now)
        for name, seen in looks.items():
            for number in range(self._scores.get(name, 0), len(seen.scores)):
                labels = (number + 1) * self._batch_size
                sentence = f"macro mAP {seen.scores[number]:.3f} with {labels} labels; {_left(steps, now)}"
                self._line(now, name, sentence)
            self._scores[name] = len(seen.scores)

    def close(self) -> None:
        """Nothing stays open."""

    def _tell(self, step: Step, now: float) -> None:
        # Counts change with every look: only another thing to do is news.
        doing = re.sub(r", .*", "", step.doing)
        if doing and doing != self._doing.get(step.name):
            self._line(now, step.name, doing)
            self._doing[step.name] = doing

    def _line(self, now: float, step: str, sentence: str) -> None:
        self._console.print(f"{now:6.1f} s  {step:12} {sentence}", soft_wrap=True)


class LiveScreen:
    """One picture that is drawn anew."""

    def __init__(self, console: Console, plan: Plan, clock: Callable[[], float]) -> None:
        self._plan = plan
        self._clock = clock
        self._steps: Sequence[Step] = ()
        self._looks: Looks = {}
        self._spinners = {name: Spinner("dots", style="cyan") for name in ("", ACTIVE, RANDOM)}
        self._live = Live(console=console, get_renderable=self._picture, refresh_per_second=6)
        self._live.start()

    def show(self, steps: Sequence[Step], looks: Looks, now: float) -> None:
        """Keep it for the next drawing."""
        self._steps, self._looks = steps, looks

    def close(self) -> None:
        """Leave the last picture."""
        self._live.stop()

    def _picture(self) -> RenderableType:
        now = self._clock()
        over = all(step.over for step in self._steps) and bool(self._steps)
        left = "" if over or not self._steps else f" · {_left(self._steps, now)}"
        head = Text.assemble(("Aloft, live  ", "bold"), (self._plan.sentence(), "dim"))
        parts: list[RenderableType] = [head, Text(), self._step_rows(now)]
        scores = [self._looks[name].scores if name in self._looks else () for name in (ACTIVE, RANDOM)]
        rows = curve_rows(scores[0], scores[1], self._plan.batches, self._plan.batch_size)
        if rows:
            parts += [Text(), *rows]
        if not over:
            parts += [Text(), *_waiting(self._looks)]
        return Group(*parts, Text(), Text(f"{now:.0f} s{left}", style="dim"))

    def _step_rows(self, now: float) -> Table:
        rows = Table.grid(padding=(0, 2))
        for step in self._steps:
            running = step.begun is not None and not step.over
            mark: RenderableType = Text("✓", "green") if step.over else Text("·", "dim")
            if running:
                mark = self._spinners.get(step.name, self._spinners[""])
            took = "" if step.begun is None else f"{(step.ended or now) - step.begun:.1f} s"
            bar = ProgressBar(step.of, step.done, width=24) if step.of > 1 else Text()
            style = "bold" if running else "" if step.over else "dim"
            said = (step.said or step.doing) if step.over else step.doing if running else ""
            rows.add_row(mark, Text(step.name, style), bar, Text(took, "dim"), Text(said, style))
        return rows


def _left(steps: Sequence[Step], now: float) -> str:
    seconds = eta_s(steps, now)
    return f"about {max(1, math.ceil(seconds))} s to go" if seconds else "done"


def _waiting(looks: Looks) -> list[Text]:
    """Say what each service waits for, of the campaigns that have begun."""
    return [
        Text(f"  {name}: {service} waits for {sentence}", "dim", overflow="ellipsis", no_wrap=True)
        for name, seen in looks.items()
        for service, sentence in seen.waiting.items()
        if sentence
    ]
