"""A campaign as a person watches it on a terminal."""

from rich.console import Group, RenderableType
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
"""How many versions the curve shows."""


def picture(seen: Snapshot) -> RenderableType:
    """Draw it whole."""
    parts: list[RenderableType] = [_headline(seen), f"[bold]{escape(seen.verdict)}[/]", "", _bars(seen)]
    parts += ["", why.table(seen.reasons, seen.at)]
    if seen.training is not None and seen.training.models:
        parts += ["", _curve(seen.training)]
    return Group(*parts)


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


def _curve(training: Training) -> Table:
    curve = Table(box=None, pad_edge=False)
    for column in ("version", "revision", "score", "", ""):
        curve.add_column(column, justify="right" if column in ("version", "revision", "score") else "left")
    for model in training.models[-VERSIONS:]:
        scored = model.HasField("score")
        bar = ProgressBar(total=1.0, completed=model.score, width=BAR) if scored else ""
        score = f"{model.score:.3f}" if scored else "–"
        curve.add_row(str(model.version), str(model.label_revision), score, bar, _fate(model))
    return curve


def _fate(model: trainer.Model) -> str:
    if model.base:
        return "base version"
    return "promoted" if model.promoted else f"not promoted: {escape(model.gate_failure)}"
