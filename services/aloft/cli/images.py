"""`aloft images`: register the images of a pool bucket with a campaign."""

import time
from typing import Annotated
from uuid import uuid4

import grpc
import typer
from google.longrunning import operations_pb2
from google.longrunning.operations_pb2_grpc import OperationsStub
from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct
from rich.progress import Progress, TaskID

from aloft.api.labels.v1 import campaign_service_pb2, image_service_pb2
from aloft.api.labels.v1.campaign_service_pb2_grpc import CampaignServiceStub
from aloft.api.labels.v1.image_service_pb2_grpc import ImageServiceStub
from aloft.cli.connection import Json, connection
from aloft.cli.output import err, show

app = typer.Typer(no_args_is_help=True, help="The images of a campaign.")


@app.callback()
def images() -> None:
    """Keep `import` a subcommand."""


@app.command("import")
def import_(
    campaign: str,
    prefix: Annotated[
        str, typer.Option(help="Register every object of the pool bucket under this prefix.")
    ] = "",
    manifest: Annotated[
        str,
        typer.Option(
            help="Or: a CSV object in the pool bucket: `key`, `split`, and a column for each label."
        ),
    ] = "",
    validation: Annotated[float, typer.Option(help="Part of a listing held out for validation.")] = 0.0,
    test: Annotated[float, typer.Option(help="Part of a listing held out for the test.")] = 0.0,
    start: Annotated[bool, typer.Option(help="Resume the campaign when the import is done.")] = True,
    json: Json = False,
) -> None:
    """Register images and wait until all are known. Safe to repeat; Ctrl-C cancels the import."""
    request = image_service_pb2.ImportImagesRequest(parent=f"campaigns/{campaign}", request_id=str(uuid4()))
    if manifest:
        request.manifest.key = manifest
    else:
        request.listing.prefix = prefix
        request.listing.validation_fraction = validation
        request.listing.test_fraction = test
    with connection().to("label-store") as opened:
        operation = _follow(opened, ImageServiceStub(opened).ImportImages(request))
        if operation.HasField("error"):
            err.print(f"[red]the import failed[/red] {operation.error.message}")
            raise typer.Exit(1)
        answer = image_service_pb2.ImportImagesResponse()
        operation.response.Unpack(answer)
        if start:
            wanted = campaign_service_pb2.ResumeCampaignRequest(
                name=f"campaigns/{campaign}", request_id=str(uuid4())
            )
            CampaignServiceStub(opened).ResumeCampaign(wanted)
        show(answer, json)
    if passed_over := answer.missing_images + answer.refused_lines:
        err.print(f"{passed_over} lines of the manifest were passed over: see above")


def _follow(opened: grpc.Channel, operation: operations_pb2.Operation) -> operations_pb2.Operation:
    """Show an operation's progress until it ends; cancel it when the user gives up."""
    stub = OperationsStub(opened)  # type: ignore[no-untyped-call]  # googleapis publishes no types of its stubs
    try:
        with Progress(console=err, transient=True) as bar:
            task = bar.add_task("importing", total=None)
            while not operation.done:
                time.sleep(0.2)
                operation = stub.GetOperation(operations_pb2.GetOperationRequest(name=operation.name))
                _show(bar, task, operation)
    except KeyboardInterrupt:
        stub.CancelOperation(operations_pb2.CancelOperationRequest(name=operation.name))
        raise
    return operation


def _show(bar: Progress, task: TaskID, operation: operations_pb2.Operation) -> None:
    said = Struct()
    operation.metadata.Unpack(said)
    progress = MessageToDict(said)["progress"]
    stage = progress["stage"] or "importing"
    # A listing does not say beforehand how long it is, so there may be no total.
    bar.update(
        task,
        completed=progress["done"],
        total=progress["total"] or None,
        description=f"{stage}, {progress['done']:.0f} so far",
    )
