"""A campaign as a person watches it on a terminal."""

from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table

from aloft.api.labels.v1.campaign_pb2 import Campaign
from aloft.api.trainer.v1 import trainer_service_pb2 as trainer
from aloft.cli import why
from aloft.cli.snapshot import Snapshot, Training
from aloft.cli.under_way import under_way

BAR = 30
"""How wide bars are, in characters."""
VERSIONS = 10
"""How many versions the curve shows, the newest first."""
FEWEST = 3
"""How many it shows where there is hardly any room; what services wait for is cut off then."""


@dataclass(frozen=True, slots=True)
class _Picture:
    seen: Snapshot

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw it with as many versions as fit into the window."""
        most = VERSIONS
        while most > FEWEST and _lines(_parts(self.seen, most), console, options) > console.height:
            most -= 1
        yield _parts(self.seen, most)


def picture(seen: Snapshot) -> RenderableType:
    """Draw a campaign for the window that it is shown in."""
    return _Picture(seen)


def _lines(drawn: Group, console: Console, options: ConsoleOptions) -> int:
    return len(console.render_lines(drawn, options.reset_height(), pad=False))


def _parts(seen: Snapshot, most: int) -> Group:
    parts: list[RenderableType] = [_headline(seen), f"[bold]{escape(seen.verdict)}[/]", "", _bars(seen), ""]
    # Before the reasons: what does not fit is cut off at the end, and the verdict has the first of them.
    if seen.training is not None and seen.training.models:
        parts += [_curve(seen.training, most), ""]
    return Group(*parts, why.table(seen.reasons, seen.at))


def _headline(seen: Snapshot) -> str:
    if seen.labels is None:
        return f"[bold]{seen.name}[/]  the label store cannot be reached"
    campaign, progress = seen.labels.campaign, seen.labels.progress
    budget = f" of {campaign.budget.images}" if campaign.budget.images else ""
    score = f"  score {progress.score:.3f}" if progress.HasField("score") else ""
    target = (
        f", target {campaign.stop_rules.target_score:.3f}"
        if campaign.stop_rules.HasField("target_score")
        else ""
    )
    return (
        f"[bold]{seen.name}[/]  {state(campaign)}  {progress.labelled_images}{budget} labelled{score}{target}"
    )


def state(campaign: Campaign) -> str:
    """Say its state, and why where that is not plain."""
    said = Campaign.State.Name(campaign.state).removeprefix("STATE_").lower()
    running = campaign.state == Campaign.STATE_RUNNING
    return said if running or not campaign.state_reason else f"{said} ({campaign.state_reason})"


def _bars(seen: Snapshot) -> Table:
    bars = Table.grid(padding=(0, 2))
    for one in under_way(seen):
        bars.add_row(one.what, ProgressBar(total=1.0, completed=one.part, width=BAR), escape(one.said))
    return bars


def _curve(training: Training, most: int) -> Table:
    curve = Table(box=None, pad_edge=False)
    for column in ("version", "revision", "score", "", ""):
        curve.add_column(column, justify="right" if column in ("version", "revision", "score") else "left")
    for model in training.models[: -most - 1 : -1]:
        scored = model.HasField("score")
        bar = ProgressBar(total=1.0, completed=model.score, width=BAR) if scored else ""
        score = f"{model.score:.3f}" if scored else "–"
        curve.add_row(str(model.version), str(model.label_revision), score, bar, _fate(model))
    return curve


def _fate(model: trainer.Model) -> str:
    if model.base:
        return "base version"
    return "promoted" if model.promoted else f"not promoted: {escape(model.gate_failure)}"
