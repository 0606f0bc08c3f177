"""`aloft vendor`: labelling vendors and their keys."""

from typing import Annotated
from uuid import uuid4

import typer

from aloft.api.labels.v1 import vendor_service_pb2
from aloft.api.labels.v1.vendor_service_pb2_grpc import VendorServiceStub
from aloft.cli.connection import Json, connection
from aloft.cli.output import show

app = typer.Typer(no_args_is_help=True, help="Labelling vendors and their keys.")


@app.callback()
def vendor() -> None:
    """Keep `create` a subcommand."""


@app.command()
def create(
    vendor: str,
    campaign: Annotated[list[str], typer.Option(help="A campaign it may label for; repeat it.")],
    max_leases: Annotated[int, typer.Option(help="Tasks it may hold at once; 0: the default.")] = 0,
    json: Json = False,
) -> None:
    """Create a vendor and its first key, which is shown this once."""
    wanted = vendor_service_pb2.Vendor(
        campaigns=[f"campaigns/{one}" for one in campaign], max_leases=max_leases
    )
    request = vendor_service_pb2.CreateVendorRequest(vendor_id=vendor, vendor=wanted, request_id=str(uuid4()))
    with connection().to("label-store") as opened:
        stub = VendorServiceStub(opened)
        created = stub.CreateVendor(request)
        show(stub.CreateApiKey(vendor_service_pb2.CreateApiKeyRequest(principal=created.name)), json)
