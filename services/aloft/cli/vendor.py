"""`aloft vendor`: labelling vendors and their keys."""

from datetime import timedelta
from typing import Annotated
from uuid import uuid4

import typer

from aloft.api.labels.v1 import vendor_service_pb2 as api
from aloft.api.labels.v1.vendor_service_pb2_grpc import VendorServiceStub
from aloft.cli.connection import Json, connection
from aloft.cli.limits import INT32, MINUTES
from aloft.cli.output import rows, show
from aloft.cli.pages import pages

app = typer.Typer(no_args_is_help=True, help="Labelling vendors and their keys.")


@app.command()
def create(
    vendor: str,
    campaign: Annotated[list[str], typer.Option(help="A campaign it may label for; repeat it.")],
    max_leases: Annotated[
        int, typer.Option(min=0, max=INT32, help="Tasks it may hold at once; 0: the default.")
    ] = 0,
    json: Json = False,
) -> None:
    """Create a vendor and its first key, which is shown this once."""
    wanted = api.Vendor(campaigns=[f"campaigns/{one}" for one in campaign], max_leases=max_leases)
    request = api.CreateVendorRequest(vendor_id=vendor, vendor=wanted, request_id=str(uuid4()))
    with connection().to("label-store") as opened:
        stub = VendorServiceStub(opened)
        created = stub.CreateVendor(request)
        show(stub.CreateApiKey(api.CreateApiKeyRequest(principal=created.name)), json)


@app.command()
def rotate(
    vendor: str,
    grace_minutes: Annotated[
        int, typer.Option(min=0, max=MINUTES, help="How long the keys before it still work.")
    ] = 60,
    json: Json = False,
) -> None:
    """Make a new key, which is shown this once, and end those before it after a while."""
    name = f"vendors/{vendor}"
    with connection().to("label-store") as opened:
        stub = VendorServiceStub(opened)
        before = _keys(stub, name)
        # Shown before anything else can fail: nothing shows it again.
        show(stub.CreateApiKey(api.CreateApiKeyRequest(principal=name)), json)
        for key in before:
            stub.RevokeApiKey(_ending(key, grace_minutes))


@app.command()
def revoke(vendor: str, json: Json = False) -> None:
    """End every key of a vendor at once. Its open leases run out by themselves."""
    with connection().to("label-store") as opened:
        stub = VendorServiceStub(opened)
        ended = [stub.RevokeApiKey(_ending(key, 0)) for key in _keys(stub, f"vendors/{vendor}")]
    items = [{"key": key.name, "ends": key.expire_time.ToJsonString()} for key in ended]
    rows(f"Keys of {vendor} that were ended", ("key", "ends"), items, json)


def _keys(stub: VendorServiceStub, vendor: str) -> list[api.ApiKey]:
    """Read the keys of a vendor that there is. To end one that has ended changes nothing."""
    stub.GetVendor(api.GetVendorRequest(name=vendor))
    request = api.ListApiKeysRequest(principal=vendor)
    return [key for page in pages(stub.ListApiKeys, request) for key in page.api_keys]


def _ending(key: api.ApiKey, grace_minutes: int) -> api.RevokeApiKeyRequest:
    request = api.RevokeApiKeyRequest(name=key.name)
    request.grace.FromTimedelta(timedelta(minutes=grace_minutes))
    return request
