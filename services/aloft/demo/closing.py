"""The closing page of a demonstration, for a person."""

from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from aloft.demo.next_steps import next_steps
from aloft.demo.outcome import Outcome
from aloft.demo.seeds import gains, paired


def page(outcomes: Sequence[Outcome], written: Sequence[Path]) -> RenderableType:
    """Lay outcomes out; the tables are of the first, unless several differ in their seeds alone."""
    outcome, blank = outcomes[0], Text()
    parts: list[RenderableType] = [blank, curve_table(outcome), label_table(outcome), stage_table(outcome)]
    if len(outcomes) > 1:
        parts.append(seed_table(outcomes))
    parts += [Text("Why these images", "bold"), *(_item(*one) for one in _whys(outcome)), blank]
    parts += [Text(headline(outcome), "bold"), blank]
    if outcome.ran_on:
        parts += [Text("Ran on", "bold"), *(_item(*one) for one in outcome.ran_on.items())]
        parts += [Text("TorchServe answers, a held-out image", "bold"), *_answers(outcome), blank]
    parts += [Text("Next", "bold")]
    parts += [_item(*one) for one in next_steps(outcomes)]
    parts += [blank, Text("Written"), *(Text(f"  {path}", "cyan") for path in written)]
    return Group(*parts)


def headline(outcome: Outcome) -> str:
    """Say in a sentence or two how it ended."""
    active, random, saved = outcome.active, outcome.random, outcome.saved()
    said = (
        f"With {active.rounds[-1].labelled} labels {active.strategy} reaches a macro mAP of"
        f" {active.final:.3f} on held-out images, random labelling {random.final:.3f} ({outcome.gain:+.3f})."
    )
    if saved is None or saved <= 0:
        return said
    return f"{said} It was as good as random's end with {outcome.reached():.0f} labels: {saved:.0%} saved."


def curve_table(outcome: Outcome) -> Table:
    """Show the score of both arms after each batch."""
    table = _table("Macro mAP on held-out images")
    for name in ("labels", outcome.active.strategy, "random", "difference"):
        table.add_column(name, justify="right")
    for one, other in zip(outcome.active.rounds, outcome.random.rounds, strict=True):
        table.add_row(
            str(one.labelled), f"{one.score:.3f}", f"{other.score:.3f}", f"{one.score - other.score:+.3f}"
        )
    return table


def label_table(outcome: Outcome) -> Table:
    """Show for each label how many were labelled and what that brought, the rarest first."""
    table = _table("By label: positives among the labelled, average precision in the end")
    table.add_column("label", no_wrap=True)
    for name in ("in the pool", "active", "random", "AP active", "AP random"):
        table.add_column(name, justify="right", no_wrap=True)
    for label in outcome.labels():
        table.add_row(
            label,
            f"{outcome.pool[label] / outcome.plan.images:.1%}",
            str(outcome.active.positives(label)),
            str(outcome.random.positives(label)),
            _ap(outcome.active.ap(label)),
            _ap(outcome.random.ap(label)),
        )
    return table


def stage_table(outcome: Outcome) -> Table:
    """Show how long each stage took: once, or in a round of the active arm on average."""
    table = _table(f"{outcome.seconds:.0f} s in all, at most {outcome.peak_mb / 1024:.1f} GB of memory")
    table.add_column("stage", no_wrap=True)
    table.add_column("took", justify="right")
    for stage, seconds in outcome.stages.items():
        table.add_row(stage, f"{seconds:.1f} s")
    for stage, seconds in outcome.active.average_seconds().items():
        table.add_row(f"{stage}, in a round", f"{seconds:.1f} s")
    return table


def seed_table(outcomes: Sequence[Outcome]) -> Table:
    """Show how each seed ended, and the paired difference."""
    together = paired(gains(outcomes))
    said = "" if together is None else f": on average {together.sentence()}"
    table = _table(f"Final macro mAP by seed{said}")
    for name in ("seed", "active", "random", "difference", "seconds"):
        table.add_column(name, justify="right")
    for one in outcomes:
        figures = (one.active.final, one.random.final)
        table.add_row(
            str(one.plan.seed),
            *(f"{value:.3f}" for value in figures),
            f"{one.gain:+.3f}",
            f"{one.seconds:.0f}",
        )
    return table


def _whys(outcome: Outcome) -> list[tuple[str, str]]:
    """Say of the first image of the first batches why it went out."""
    return [
        (f"batch {one.number}, image {first.image[:8]}…", f"{first.why} It shows {', '.join(first.shown)}.")
        for one in outcome.active.rounds[:3]
        for first in one.chosen[:1]
    ]


def _answers(outcome: Outcome) -> list[RenderableType]:
    arms = (outcome.active, outcome.random)
    return [_item(arm.campaign, arm.served.sentence()) for arm in arms if arm.served]


def _ap(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)


def _item(head: str, text: str) -> RenderableType:
    return Group(Text(f"  {head}", "cyan"), Padding(Text(text), (0, 0, 0, 4)))
