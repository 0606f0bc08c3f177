"""Keys and vendors, and the label store as a client meets it: over gRPC with a key, and images over HTTP."""

import urllib.request
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from aloft.api.labels.v1 import campaign_service_pb2, labelling_service_pb2, vendor_service_pb2
from aloft.api.labels.v1.campaign_service_pb2_grpc import CampaignServiceStub
from aloft.api.labels.v1.labelling_service_pb2_grpc import LabellingServiceStub
from aloft.kit.errors import FailedPrecondition, InvalidArgument, NotFound, Unauthenticated
from aloft.kit.objects.http import SignedObjectServer
from aloft.kit.objects.signing import UrlSigner
from aloft.kit.rpc.call import Principal, Role
from aloft.kit.rpc.channel import channel
from aloft.kit.rpc.server import Server
from aloft.label_store import app
from aloft.label_store.store import tables
from tests.integration.label_store_world import ADMIN, PARENT, VENDOR, World, opened

SERVICE = Principal("services/embedding", Role.SERVICE)


@pytest.fixture
def world(admin_url: str | None, tmp_path: Path) -> Iterator[World]:
    with opened(tmp_path, admin_url) as made:
        made.campaign()
        yield made


def new_key(world: World, principal: str) -> vendor_service_pb2.ApiKey:
    """Make a key, as an administrator."""
    request = vendor_service_pb2.CreateApiKeyRequest(principal=principal)
    return world.call("Vendor.CreateApiKey", request)  # type: ignore[no-any-return]


def owner(world: World, secret: str) -> Principal | None:
    """Say who proves to be who by a key."""
    return app.verifier(app.Settings(), world.database).verify(secret)


def test_the_first_administrators_key_is_made_once(world: World) -> None:
    secret = app.bootstrap(app.Settings(), world.database)
    assert owner(world, secret) == ADMIN
    with pytest.raises(FailedPrecondition) as refused:
        app.bootstrap(app.Settings(), world.database)
    assert refused.value.reason == "ALREADY_BOOTSTRAPPED"


def test_a_vendors_key_says_which_campaigns_it_may_see(world: World) -> None:
    world.vendor()
    made = new_key(world, "vendors/acme")
    assert owner(world, made.secret) == Principal("vendors/acme", Role.VENDOR, frozenset({"c"}))
    said = world.call("Key.VerifyKey", vendor_service_pb2.VerifyKeyRequest(secret=made.secret), SERVICE)
    assert (said.principal, said.role, list(said.campaigns)) == ("vendors/acme", "vendor", [PARENT])
    assert made.secret.encode() not in {row.hash for row in world.rows(tables.api_keys)}


def test_a_key_is_shown_once(world: World) -> None:
    made = new_key(world, "operators/ann")
    listed = world.call("Vendor.ListApiKeys", vendor_service_pb2.ListApiKeysRequest())
    assert [(key.name, key.secret) for key in listed.api_keys] == [(made.name, "")]


def test_a_key_is_rotated_without_a_gap(world: World) -> None:
    old, new = new_key(world, "operators/ann"), new_key(world, "operators/ann")
    request = vendor_service_pb2.RevokeApiKeyRequest(name=old.name, grace=Duration(seconds=60))
    world.call("Vendor.RevokeApiKey", request)
    assert owner(world, old.secret) == owner(world, new.secret)
    request.grace.seconds = 6000
    world.call("Vendor.RevokeApiKey", request)
    world.database.advance(61)
    assert owner(world, old.secret) is None, "a second revocation let the key live longer"
    assert owner(world, new.secret) is not None


def test_a_grace_that_no_clock_adds_up_is_refused(world: World) -> None:
    made = new_key(world, "operators/ann")
    request = vendor_service_pb2.RevokeApiKeyRequest(name=made.name, grace=Duration(seconds=2**62))
    with pytest.raises(InvalidArgument, match="10 years") as refused:
        world.call("Vendor.RevokeApiKey", request)
    assert [violation.field for violation in refused.value.violations] == ["grace"]
    assert owner(world, made.secret) is not None


def test_a_revoked_or_changed_key_is_nobodys(world: World) -> None:
    made = new_key(world, "admins/root")
    assert owner(world, made.secret[:-1] + ("0" if made.secret[-1] != "0" else "1")) is None
    assert owner(world, made.secret.replace("aloft_admin_", "aloft_operator_")) is None
    world.call("Vendor.RevokeApiKey", vendor_service_pb2.RevokeApiKeyRequest(name=made.name))
    with pytest.raises(Unauthenticated):
        world.call("Key.VerifyKey", vendor_service_pb2.VerifyKeyRequest(secret=made.secret), SERVICE)


def test_a_key_is_of_somebody_that_there_is(world: World) -> None:
    with pytest.raises(NotFound):
        new_key(world, "vendors/nobody")
    for principal in ("", "ann", "services/embedding", "operators/Ann B"):
        with pytest.raises(InvalidArgument):
            new_key(world, principal)


def test_a_vendor_is_for_campaigns_that_exist(world: World) -> None:
    vendor = vendor_service_pb2.Vendor(campaigns=[PARENT, "campaigns/nowhere"], max_leases=-1)
    request = vendor_service_pb2.CreateVendorRequest(vendor_id="Acme", vendor=vendor)
    with pytest.raises(InvalidArgument) as refused:
        world.call("Vendor.CreateVendor", request)
    fields = {violation.field for violation in refused.value.violations}
    assert fields == {"vendor_id", "vendor.campaigns[1]", "vendor.max_leases"}
    world.vendor()
    read = world.call("Vendor.GetVendor", vendor_service_pb2.GetVendorRequest(name="vendors/acme"))
    assert (list(read.campaigns), read.max_leases) == ([PARENT], 1000)


@pytest.mark.parametrize(
    ("method", "request_", "caller", "field"),
    [
        (
            "Vendor.CreateVendor",
            vendor_service_pb2.CreateVendorRequest(
                vendor_id="acme", vendor=vendor_service_pb2.Vendor(display_name="Ac\0me")
            ),
            ADMIN,
            "vendor.display_name",
        ),
        (
            "Vendor.ListApiKeys",
            vendor_service_pb2.ListApiKeysRequest(principal="operators/\0"),
            ADMIN,
            "principal",
        ),
        (
            "Labelling.LeaseTasks",
            labelling_service_pb2.LeaseTasksRequest(parent=PARENT, annotator="an\0n"),
            VENDOR,
            "annotator",
        ),
        (
            "Labelling.SkipTask",
            labelling_service_pb2.SkipTaskRequest(name=f"{PARENT}/tasks/1-a", lease="l", reason="clo\0ud"),
            VENDOR,
            "reason",
        ),
    ],
)
def test_text_that_no_database_keeps_is_refused_by_the_name_of_its_field(
    world: World, method: str, request_: Message, caller: Principal, field: str
) -> None:
    with pytest.raises(InvalidArgument, match="NUL") as refused:
        world.call(method, request_, caller)
    assert [violation.field for violation in refused.value.violations] == [field]


def test_a_client_with_a_key_labels_over_grpc_what_it_reads_over_http(tmp_path: Path) -> None:
    with opened(tmp_path) as world:
        world.campaign()
        world.put(1)
        world.import_all()
        world.vendor()
        world.resume()
        world.select(1, 1)
        signer = UrlSigner(b"0" * 32, "http://127.0.0.1:1", "aloft", world.database.clock)
        images = SignedObjectServer(world.objects, signer, "127.0.0.1", 0)
        images.start()
        server = Server(world.service.servicers, app.verifier(app.Settings(), world.database))
        port = server.start()
        try:
            _label_as_a_client(world, port, images)
        finally:
            server.stop(0)
            images.close()
        assert world.get().label_revision == 1


def _label_as_a_client(world: World, port: int, images: SignedObjectServer) -> None:
    vendor = new_key(world, "vendors/acme").secret
    with channel(f"127.0.0.1:{port}", key=vendor) as opened_channel:
        stub = LabellingServiceStub(opened_channel)
        leased = stub.LeaseTasks(labelling_service_pb2.LeaseTasksRequest(parent=PARENT), timeout=10).tasks
        url = leased[0].image_url.replace("127.0.0.1:1/", f"127.0.0.1:{images.port}/")
        with urllib.request.urlopen(url, timeout=10) as answer:
            assert answer.read() == b"image 1"
        request = labelling_service_pb2.SubmitAnnotationsRequest(
            parent=PARENT,
            annotations=[labelling_service_pb2.Annotation(task=leased[0].name, lease=leased[0].lease)],
            request_id="1f0e2d3c-4b5a-4978-8a6b-5c4d3e2f1a0b",
        )
        assert stub.SubmitAnnotations(request, timeout=10).accepted_annotations == 1
        with pytest.raises(grpc.RpcError) as refused:
            CampaignServiceStub(opened_channel).GetCampaign(
                campaign_service_pb2.GetCampaignRequest(name=PARENT), timeout=10
            )
        assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
