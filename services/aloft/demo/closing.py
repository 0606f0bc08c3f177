"""The closing page of a demonstration: tables for a person, a dictionary for a script."""

from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from aloft.demo.outcome import Outcome
from aloft.demo.plan import CAMPAIGN, Plan, Rooms

COLUMNS = 8
"""Batches that get a column of their own; more do not fit a line."""


def as_dict(plan: Plan, outcome: Outcome) -> dict[str, Any]:
    """Write an outcome for a script."""
    return {
        "images": plan.images,
        "strategy": plan.strategy,
        "architecture": plan.architecture,
        "seed": plan.seed,
        "seconds": round(outcome.seconds, 2),
        "stopped": outcome.stopped,
        "batches": [
            {
                "batch": batch.number,
                "strategy": batch.strategy,
                "model_version": batch.version,
                "images": len(batch.images),
                "labels": dict(batch.brought),
                "close_reason": batch.close_reason,
                "open_s": round(batch.open_s, 3),
                "next_selection_s": None if batch.next_s is None else round(batch.next_s, 3),
            }
            for batch in outcome.batches
        ],
        "balance": [
            {
                "label": share.label,
                "labelled": share.labelled,
                "labelled_share": round(share.labelled_share, 4),
                "pool": share.pool,
                "pool_share": round(share.pool_share, 4),
            }
            for share in outcome.balance
        ],
        "why": [{"image": why.image, "sentence": why.sentence} for why in outcome.whys],
    }


def page(plan: Plan, outcome: Outcome, kept: Rooms | None) -> RenderableType:
    """Lay an outcome out for a person."""
    blank = Text()
    parts: list[RenderableType] = [blank, batch_table(outcome), label_table(outcome)]
    parts.append(Text("Why these images", "bold"))
    parts += [_item(f"image {why.image[:8]}…", why.sentence) for why in outcome.whys]
    parts.append(Text("  Each image's own reason is in the event aloft.batch.selected.v1.", "dim"))
    parts += [blank, Text("Next", "bold"), *(_item(*one) for one in next_steps(plan, kept))]
    return Group(*parts)


def batch_table(outcome: Outcome) -> Table:
    """Show what became of each batch."""
    table = _table(f"Batches, until {outcome.stopped} stopped the campaign")
    for name in ("batch", "strategy", "model", "images", "open for", "next batch after", "closed by"):
        table.add_column(name, justify="left" if name in ("strategy", "closed by") else "right")
    for batch in outcome.batches:
        table.add_row(
            str(batch.number),
            batch.strategy,
            f"v{batch.version}",
            str(len(batch.images)),
            f"{batch.open_s:.2f} s",
            "–" if batch.next_s is None else f"{batch.next_s:.2f} s",
            batch.close_reason,
        )
    return table


def label_table(outcome: Outcome) -> Table:
    """Show what each batch brought of each label, beside what the pool holds, the rarest first."""
    table = _table("Images that show each label, by batch")
    table.add_column("label", no_wrap=True)
    columns = outcome.batches if len(outcome.batches) <= COLUMNS else ()
    for name in (*(str(batch.number) for batch in columns), "labelled", "in the pool", "ratio"):
        table.add_column(name, justify="right", no_wrap=True)
    for share in outcome.balance:
        table.add_row(
            share.label,
            *(str(batch.brought.get(share.label, 0)) for batch in columns),
            f"{share.labelled} {share.labelled_share:5.1%}",
            f"{share.pool} {share.pool_share:5.1%}",
            "–" if share.gain is None else f"{share.gain:.2f}",
        )
    return table


def next_steps(plan: Plan, kept: Rooms | None) -> list[tuple[str, str]]:
    """Name three things to try, each with what it is for."""
    other = "random" if plan.strategy != "random" else "centroids"
    if kept is None:
        look = ("aloft demo --keep demo-run", "keep the data, and look at the campaign afterwards")
    else:
        look = (
            f"aloft up --data-dir {kept.home}",
            f"start it again; ALOFT_KEY=$(cat {kept.admin_key}) aloft campaign status {CAMPAIGN}",
        )
    return [
        (f"aloft demo --strategy {other}", "the same pool, chosen another way: compare the ratios"),
        look,
        ("aloft up", "your own images, in aloft-data/pool; README.md says how to go on"),
    ]


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)


def _item(head: str, text: str) -> RenderableType:
    return Group(Text(f"  {head}", "cyan"), Padding(Text(text), (0, 0, 0, 4)))
