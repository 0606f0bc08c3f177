"""`aloft run`: the runs of the trainer, and another one where the first failed."""

from typing import Annotated
from uuid import uuid4

import typer

from aloft.api.trainer.v1 import trainer_service_pb2 as trainer
from aloft.api.trainer.v1.trainer_service_pb2_grpc import TrainerServiceStub
from aloft.cli.connection import Json, connection
from aloft.cli.output import rows, show
from aloft.cli.pages import pages

app = typer.Typer(no_args_is_help=True, help="Runs, which make versions of a campaign's model.")


@app.command()
def create(
    campaign: str,
    fine_tune: Annotated[
        bool, typer.Option("--fine-tune", help="Train on every label set so far, instead of a new base.")
    ] = False,
    architecture: Annotated[str, typer.Option(help="A backbone; by default the campaign's.")] = "",
    checkpoint: Annotated[str, typer.Option(help="Key of weights in the aloft bucket.")] = "",
    json: Json = False,
) -> None:
    """Start a run: a base version, from the campaign's source unless one is named, or a fine-tuned one."""
    if fine_tune and (architecture or checkpoint):
        raise typer.BadParameter(
            "a fine-tuned version begins from the base version", param_hint="--fine-tune"
        )
    wanted = trainer.Run()
    if fine_tune:
        wanted.fine_tune.SetInParent()
    else:
        wanted.base.architecture = architecture
    if checkpoint:
        wanted.base.checkpoint_key = checkpoint
    request = trainer.CreateRunRequest(parent=f"campaigns/{campaign}", run=wanted, request_id=str(uuid4()))
    with connection().to("trainer") as opened:
        show(TrainerServiceStub(opened).CreateRun(request), json)


@app.command("list")
def list_(campaign: str, json: Json = False) -> None:
    """List a campaign's runs: how far each is, or why it failed."""
    request = trainer.ListRunsRequest(parent=f"campaigns/{campaign}")
    with connection().to("trainer") as opened:
        found = [run for page in pages(TrainerServiceStub(opened).ListRuns, request) for run in page.runs]
    items = [
        {
            "run": one.name.rsplit("/", 1)[1],
            "kind": "fine-tune" if one.HasField("fine_tune") else "base",
            "state": trainer.Run.State.Name(one.state).removeprefix("STATE_"),
            "stage": one.stage,
            "progress": round(one.progress, 2),
            "error": one.error,
        }
        for one in found
    ]
    rows("Runs", ("run", "kind", "state", "stage", "progress", "error"), items, json)
