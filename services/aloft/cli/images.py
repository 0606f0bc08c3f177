"""`aloft images`: register the images of a pool bucket with a campaign."""

from collections.abc import Mapping
from typing import Annotated
from uuid import uuid4

import typer

from aloft.api.labels.v1 import campaign_service_pb2, image_service_pb2
from aloft.api.labels.v1.campaign_service_pb2_grpc import CampaignServiceStub
from aloft.api.labels.v1.image_service_pb2_grpc import ImageServiceStub
from aloft.cli.connection import Json, connection
from aloft.cli.following import follow
from aloft.cli.output import REFUSED, err, show

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
    if manifest:
        _only_of_a_listing({"--prefix": prefix, "--validation": validation, "--test": test})
    request = image_service_pb2.ImportImagesRequest(parent=f"campaigns/{campaign}", request_id=str(uuid4()))
    if manifest:
        request.manifest.key = manifest
    else:
        request.listing.prefix = prefix
        request.listing.validation_fraction = validation
        request.listing.test_fraction = test
    with connection().to("label-store") as opened:
        operation = follow(opened, ImageServiceStub(opened).ImportImages(request), "importing")
        answer = image_service_pb2.ImportImagesResponse()
        operation.response.Unpack(answer)
        # Shown before the campaign can be refused to go on: the import is done all the same.
        show(answer, json)
        if passed_over := answer.missing_images + answer.refused_lines:
            err.print(f"{passed_over} lines of the manifest were passed over: see above")
        if not (answer.registered_images or answer.known_images):
            where = f"{manifest} names none that is there" if manifest else f"none lies under {prefix!r}"
            err.print(f"no image was registered: in the pool bucket {where}", soft_wrap=True)
            raise typer.Exit(REFUSED)
        if start:
            wanted = campaign_service_pb2.ResumeCampaignRequest(
                name=f"campaigns/{campaign}", request_id=str(uuid4())
            )
            CampaignServiceStub(opened).ResumeCampaign(wanted)


def _only_of_a_listing(options: Mapping[str, object]) -> None:
    for option, value in options.items():
        if value:
            raise typer.BadParameter("a manifest says so itself: leave this out", param_hint=option)
