"""A service with a method for each way in which a call can end, and stubs to call it."""

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf.wrappers_pb2 import StringValue

from aloft.kit import errors
from aloft.kit.errors import FieldViolation
from aloft.kit.rpc.call import Call, Principal, Role, allow, allow_anyone
from aloft.kit.service import Servicer

NAME = "aloft.test.Echo"
ACME = Principal("vendors/acme", Role.VENDOR, frozenset({"forests"}))
ADMIN = Principal("admins/ada", Role.ADMIN)

FAILURES: Mapping[str, errors.AloftError] = {
    "INVALID_ARGUMENT": errors.InvalidArgument(
        "BAD_SIZE", "size: must be positive", (FieldViolation("size", "must be positive"),), size="-1"
    ),
    "UNAUTHENTICATED": errors.Unauthenticated("KEY_EXPIRED", "the key has expired"),
    "PERMISSION_DENIED": errors.PermissionDenied("NOT_YOURS", "this is another vendor's"),
    "NOT_FOUND": errors.NotFound("TASK_NOT_FOUND", "tasks/7 does not exist", task="tasks/7"),
    "ALREADY_EXISTS": errors.AlreadyExists("VENDOR_EXISTS", "vendors/acme exists", vendor="vendors/acme"),
    "FAILED_PRECONDITION": errors.FailedPrecondition("LEASE_EXPIRED", "the lease is over", task="tasks/7"),
    "ABORTED": errors.Aborted("ETAG_MISMATCH", "it was changed"),
    "RESOURCE_EXHAUSTED": errors.ResourceExhausted("QUOTA", "too many leases", 2.5, vendor="vendors/acme"),
    "UNAVAILABLE": errors.Unavailable("STORE_AWAY", "the store is away", 3.0),
}


class Echo:
    """The methods. They are plain functions that know no gRPC."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.entered = threading.Semaphore(0)
        self.release = threading.Event()

    @allow(Role.VENDOR, Role.SERVICE)
    def echo(self, request: StringValue, call: Call) -> StringValue:
        """Answer what was said."""
        self.calls.append(call)
        return request

    @allow(Role.ADMIN)
    def administer(self, request: StringValue, call: Call) -> StringValue:
        """Answer administrators."""
        return request

    @allow_anyone
    def public(self, request: StringValue, call: Call) -> StringValue:
        """Answer anyone, and say as whom they are seen."""
        return StringValue(value=f"{call.principal.name}|{call.principal.may_see('forests')}")

    @allow(Role.VENDOR)
    def fail(self, request: StringValue, call: Call) -> StringValue:
        """Fail in the way that was asked for."""
        raise FAILURES[request.value]

    @allow(Role.VENDOR)
    def bug(self, request: StringValue, call: Call) -> StringValue:
        """Fail as no client should hear of in detail."""
        raise KeyError("a secret of the implementation")

    @allow(Role.VENDOR)
    def wait(self, request: StringValue, call: Call) -> StringValue:
        """Answer once the test lets it."""
        self.entered.release()
        self.release.wait(30)
        return request

    @allow(Role.VENDOR)
    async def later(self, request: StringValue, call: Call) -> StringValue:
        """Answer from the loop."""
        return request

    @allow(Role.VENDOR)
    def spell(self, request: StringValue, call: Call) -> Iterator[StringValue]:
        """Answer letter by letter, and fail at an exclamation mark."""
        for letter in request.value:
            if letter == "!":
                raise FAILURES["FAILED_PRECONDITION"]
            yield StringValue(value=letter)


METHODS = ("echo", "administer", "public", "fail", "bug", "wait", "later")


def servicer(methods: Any, names: tuple[str, ...] = METHODS) -> Servicer:
    """Make what a composition root hands over."""

    def register(echo: Any, server: Any) -> None:
        parse, write = StringValue.FromString, StringValue.SerializeToString
        handlers = {
            name: grpc.unary_unary_rpc_method_handler(getattr(echo, name), parse, write) for name in names
        }
        if hasattr(echo, "spell"):
            handlers["spell"] = grpc.unary_stream_rpc_method_handler(echo.spell, parse, write)
        server.add_registered_method_handlers(NAME, handlers)

    return Servicer(register, methods, NAME)


@dataclass
class Keys:
    """A verifier whose keys a test gives and takes."""

    known: dict[str, Principal] = field(default_factory=lambda: {"acme": ACME, "ada": ADMIN})

    def verify(self, key: str) -> Principal | None:
        """Name the caller."""
        return self.known.get(key)


def method(channel: grpc.Channel, name: str) -> Callable[..., StringValue]:
    """Make the stub of a method with one answer."""
    path = f"/{NAME}/{name}"
    stub: Callable[..., StringValue] = channel.unary_unary(
        path, StringValue.SerializeToString, StringValue.FromString
    )
    return stub


def say(channel: grpc.Channel, name: str, text: str = "", **options: Any) -> str:
    """Call a method with one answer."""
    return method(channel, name)(StringValue(value=text), **options).value


def spell(channel: grpc.Channel, text: str) -> Iterator[str]:
    """Call the method with many answers."""
    path = f"/{NAME}/spell"
    stub = channel.unary_stream(path, StringValue.SerializeToString, StringValue.FromString)
    return (answer.value for answer in stub(StringValue(value=text)))
