"""`aloft model`: the versions of a campaign, and which one is served."""

from typing import Annotated
from uuid import uuid4

import typer

from aloft.api.trainer.v1 import trainer_service_pb2 as trainer
from aloft.api.trainer.v1.trainer_service_pb2_grpc import TrainerServiceStub
from aloft.cli.connection import Json, connection
from aloft.cli.output import rows, show
from aloft.cli.pages import pages

app = typer.Typer(no_args_is_help=True, help="The versions of a campaign's model.")


@app.command("list")
def list_(campaign: str, json: Json = False) -> None:
    """List the versions: what each learned from, its score, whether it was promoted, where it is served."""
    name = f"campaigns/{campaign}"
    with connection().to("trainer") as opened:
        stub = TrainerServiceStub(opened)
        models = [
            model
            for page in pages(stub.ListModels, trainer.ListModelsRequest(parent=name))
            for model in page.models
        ]
        servings = [
            serving
            for page in pages(stub.ListServing, trainer.ListServingRequest(parent=name))
            for serving in page.servings
        ]
    items = [
        {
            "version": model.version,
            "kind": "base" if model.base else "fine-tuned",
            "label_revision": model.label_revision,
            "score": round(model.score, 4) if model.HasField("score") else None,
            "promoted": model.promoted,
            "gate_failure": model.gate_failure,
            "desired": model.desired,
            "served_by": [
                serving.pod
                for serving in servings
                if serving.version == model.version and serving.state == trainer.Serving.STATE_SERVED
            ],
            "archive_digest": model.archive_digest,
        }
        for model in models
    ]
    columns = ("version", "kind", "label_revision", "score", "promoted", "gate_failure", "served_by")
    rows(f"Versions of {campaign}", columns, items, json)


@app.command()
def rollback(
    campaign: str,
    version: Annotated[int, typer.Argument(min=1, help="An older version that was promoted.")],
    json: Json = False,
) -> None:
    """Have an older version served, until a newer one than any so far is promoted."""
    request = trainer.RollbackModelRequest(
        name=f"campaigns/{campaign}/models/{version}", request_id=str(uuid4())
    )
    with connection().to("trainer") as opened:
        show(TrainerServiceStub(opened).RollbackModel(request), json)
