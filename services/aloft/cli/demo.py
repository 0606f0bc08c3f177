"""`aloft demo`: the whole loop on this machine, live, with nothing left behind."""

import json as json_module
import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from aloft.cli.connection import Json
from aloft.cli.output import err, out


def demo(
    images: Annotated[int, typer.Option(min=2, help="Images that are drawn.")] = 240,
    size: Annotated[int, typer.Option(min=16, max=512, help="Their height and width.")] = 64,
    batches: Annotated[int, typer.Option(min=1, help="Batches that are labelled.")] = 4,
    batch_size: Annotated[int, typer.Option(min=1, help="Images in each.")] = 20,
    strategy: Annotated[str, typer.Option(help="How they are chosen.")] = "centroids",
    architecture: Annotated[str, typer.Option(help="The backbone.")] = "resnet18",
    seed: Annotated[int, typer.Option(min=0, help="What every random choice begins from.")] = 0,
    keep: Annotated[Path | None, typer.Option(help="A new folder for all of it, which stays.")] = None,
    json: Json = False,
) -> None:
    """Run the loop on a drawn pool, embedded, and show it live. Nothing stays, unless --keep says so."""
    # What only this command needs is loaded by it alone.
    from aloft.demo.children import DemoFailed
    from aloft.demo.closing import as_dict, page
    from aloft.demo.interruption import Interrupted
    from aloft.demo.plan import Plan, Rooms
    from aloft.demo.run import perform

    if images < batches * batch_size:
        raise typer.BadParameter(
            f"{batches} batches of {batch_size} need {batches * batch_size} images or more"
        )
    if keep is not None and keep.exists():
        raise typer.BadParameter(f"{keep} is there already: name a new folder", param_hint="--keep")
    plan = Plan(images, size, batches, batch_size, strategy, architecture, seed)
    env = {name: value for name, value in os.environ.items() if not name.startswith("ALOFT_")}
    try:
        outcome = perform(plan, env, keep, err if json else out)
    except Interrupted as stopped:
        err.print(f"{stopped}; nothing is left running")
        raise typer.Exit(1) from None
    except DemoFailed as failure:
        err.print(f"[red]the demonstration failed[/red] {escape(str(failure))}", soft_wrap=True)
        if failure.tails:
            print(failure.tails, file=sys.stderr)
        raise typer.Exit(1) from None
    if json:
        print(json_module.dumps(as_dict(plan, outcome)))
    else:
        out.print(page(plan, outcome, Rooms(keep, env, kept=True) if keep else None))
