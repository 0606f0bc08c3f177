"""`aloft demo`: active learning against random labelling on this machine, live, with nothing left running."""

import json as json_module
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from aloft.cli.connection import Json
from aloft.cli.output import err, out

if TYPE_CHECKING:
    from aloft.demo.outcome import Outcome
    from aloft.demo.plan import Plan
    from aloft.demo.real.lending import Lender

Number = int | None


def demo(
    quick: Annotated[bool, typer.Option("--quick", help="Everything in less: 90 seconds, embedded.")] = False,
    seeds: Annotated[int, typer.Option(min=1, max=100, help="So many demonstrations, each of its seed.")] = 1,
    out_dir: Annotated[Path, typer.Option("--out", help="The folder for the report.")] = Path("aloft-demo"),
    images: Annotated[Number, typer.Option(min=2, help="Images that may be selected.")] = None,
    test: Annotated[Number, typer.Option(min=1, help="Images that are held out.")] = None,
    size: Annotated[Number, typer.Option(min=16, max=512, help="Their height and width.")] = None,
    bands: Annotated[Number, typer.Option(help="Their bands: 3 or 12.")] = None,
    batches: Annotated[Number, typer.Option(min=1, help="Batches that are labelled in each arm.")] = None,
    batch_size: Annotated[Number, typer.Option(min=1, help="Images in each.")] = None,
    strategy: Annotated[str | None, typer.Option(help="How the active arm chooses them.")] = None,
    architecture: Annotated[str | None, typer.Option(help="The network.")] = None,
    pretrain_steps: Annotated[Number, typer.Option(min=1, help="Steps of pre-training.")] = None,
    train_steps: Annotated[Number, typer.Option(min=1, help="Steps of training, each round.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="What every random choice begins from.")] = 0,
    keep: Annotated[Path | None, typer.Option(help="A new folder for all data, which stays.")] = None,
    real: Annotated[
        bool, typer.Option("--real", help="On the Kafka, S3, PostgreSQL and TorchServe that settings name.")
    ] = False,
    remove: Annotated[
        str | None, typer.Option(help="With --real: only remove what the run of this name left on servers.")
    ] = None,
    json: Json = False,
) -> None:
    """Draw a pool, and let active learning and random labelling spend the same budget on it, side by side.

    The whole system runs embedded; or with --real each service as a process of its own, on the servers that
    the environment names. Nothing of it stays but the report, unless --keep says so.
    """
    # What only this command needs is loaded by it alone.
    from aloft.demo.closing import page
    from aloft.demo.plan import QUICK, WHOLE, scaled
    from aloft.demo.writing import for_script, write_all

    given = {"images": images, "test": test, "size": size, "bands": bands, "batches": batches}
    given |= {"batch_size": batch_size, "pretrain_steps": pretrain_steps, "train_steps": train_steps}
    texts = {"strategy": strategy, "architecture": architecture}
    plan = replace(
        scaled(QUICK if quick else WHOLE, {**given, **texts}),
        seed=seed,
    )
    _check(plan, seeds, keep)
    lender = _lender(remove, real=real)
    outcomes = _perform(
        [plan.seeded(seed + number) for number in range(seeds)], keep, lender, err if json else out
    )
    written = write_all(outcomes, out_dir)
    if json:
        print(json_module.dumps(for_script(outcomes)))
    else:
        out.print(page(outcomes, written))


def _lender(remove: str | None, *, real: bool) -> "Lender | None":
    """Find the servers, or none where it runs embedded; end here if there is only something to remove."""
    if not real:
        if remove is not None:
            raise typer.BadParameter("only --real leaves anything to remove", param_hint="--remove")
        return None
    # Embedded, none of the servers' clients is loaded.
    from aloft.cli.demo_servers import lender_of_settings, remove_run

    if remove is not None:
        remove_run(remove)
        raise typer.Exit
    return lender_of_settings()


def _check(plan: "Plan", seeds: int, keep: Path | None) -> None:
    if plan.images < plan.budget:
        raise typer.BadParameter(
            f"{plan.batches} batches of {plan.batch_size} need {plan.budget} images or more"
        )
    if plan.bands not in (3, 12):
        raise typer.BadParameter(f"scenes are drawn in 3 or 12 bands, not {plan.bands}", param_hint="--bands")
    if keep is not None and seeds > 1:
        raise typer.BadParameter("the data of one seed is kept, not of several", param_hint="--keep")
    if keep is not None and keep.exists():
        raise typer.BadParameter(f"{keep} is there already: name a new folder", param_hint="--keep")


def _perform(
    plans: "list[Plan]", keep: Path | None, lender: "Lender | None", console: Console
) -> "list[Outcome]":
    from aloft.demo.children import DemoFailed
    from aloft.demo.interruption import Interrupted
    from aloft.demo.run import perform

    env = {name: value for name, value in os.environ.items() if not name.startswith("ALOFT_")}
    try:
        return [perform(plan, env, keep, console, lender) for plan in plans]
    except Interrupted as stopped:
        err.print(f"{stopped}; nothing is left running")
        raise typer.Exit(1) from None
    except DemoFailed as failure:
        err.print(f"[red]the demonstration failed[/red] {escape(str(failure))}", soft_wrap=True)
        if failure.tails:
            print(failure.tails, file=sys.stderr)
        raise typer.Exit(1) from None
