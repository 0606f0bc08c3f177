"""`aloft key`: the keys of vendors, operators and administrators."""

from datetime import timedelta
from typing import Annotated

import typer

from aloft.api.labels.v1 import vendor_service_pb2
from aloft.api.labels.v1.vendor_service_pb2_grpc import VendorServiceStub
from aloft.cli.connection import Json, connection
from aloft.cli.limits import MINUTES
from aloft.cli.output import rows, show
from aloft.cli.pages import pages

app = typer.Typer(no_args_is_help=True, help="The keys of vendors, operators and administrators.")


@app.command()
def create(
    principal: Annotated[str, typer.Argument(help="vendors/NAME, operators/NAME or admins/NAME.")],
    json: Json = False,
) -> None:
    """Make one more key, which is shown this once; those before it go on working."""
    with connection().to("label-store") as opened:
        request = vendor_service_pb2.CreateApiKeyRequest(principal=principal)
        show(VendorServiceStub(opened).CreateApiKey(request), json)


@app.command("list")
def list_(
    principal: Annotated[str, typer.Option(help="Only the keys of this one.")] = "",
    json: Json = False,
) -> None:
    """List keys: whose they are, and when they end."""
    request = vendor_service_pb2.ListApiKeysRequest(principal=principal)
    with connection().to("label-store") as opened:
        stub = VendorServiceStub(opened)
        found = [key for page in pages(stub.ListApiKeys, request) for key in page.api_keys]
    items = [
        {
            "key": one.name,
            "principal": one.principal,
            "created": one.create_time.ToJsonString(),
            "ends": one.expire_time.ToJsonString() if one.HasField("expire_time") else "",
        }
        for one in found
    ]
    rows("Keys", ("key", "principal", "created", "ends"), items, json)


@app.command()
def revoke(
    key: Annotated[str, typer.Argument(help="apiKeys/ID, as `aloft key list` names it.")],
    grace_minutes: Annotated[int, typer.Option(min=0, max=MINUTES, help="How long it still works.")] = 0,
    json: Json = False,
) -> None:
    """End a key, at once or when its successor has taken over."""
    request = vendor_service_pb2.RevokeApiKeyRequest(name=key)
    request.grace.FromTimedelta(timedelta(minutes=grace_minutes))
    with connection().to("label-store") as opened:
        show(VendorServiceStub(opened).RevokeApiKey(request), json)
