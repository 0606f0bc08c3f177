"""The one place where domain errors become gRPC statuses with `google.rpc` details, and back."""

import math
import uuid
from collections.abc import Mapping

import grpc
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2 as details
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status

from aloft.kit.errors import (
    Aborted,
    AloftError,
    AlreadyExists,
    FailedPrecondition,
    FieldViolation,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    ResourceExhausted,
    Unauthenticated,
    Unavailable,
)
from aloft.kit.rpc.call import DeadlineExceeded
from aloft.kit.rpc.trailers import clip, fitting_metadata, fitting_violations

DOMAIN = "aloft"
_SUBJECT = 200

CODES: Mapping[type[AloftError], grpc.StatusCode] = {
    InvalidArgument: grpc.StatusCode.INVALID_ARGUMENT,
    Unauthenticated: grpc.StatusCode.UNAUTHENTICATED,
    PermissionDenied: grpc.StatusCode.PERMISSION_DENIED,
    NotFound: grpc.StatusCode.NOT_FOUND,
    AlreadyExists: grpc.StatusCode.ALREADY_EXISTS,
    FailedPrecondition: grpc.StatusCode.FAILED_PRECONDITION,
    Aborted: grpc.StatusCode.ABORTED,
    ResourceExhausted: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Unavailable: grpc.StatusCode.UNAVAILABLE,
    DeadlineExceeded: grpc.StatusCode.DEADLINE_EXCEEDED,
}


class Bug(AloftError):
    """Something that no client can mend. `id` is in the server's log beside the trace of it."""

    def __init__(self, identifier: str) -> None:
        super().__init__(
            "INTERNAL", f"internal error {identifier}: the server's log has the rest", id=identifier
        )


def domain_error(raised: Exception) -> AloftError:
    """Say what a client is told: a use case's own error, what the database says of it, or a bug."""
    if isinstance(raised, AloftError):
        return raised
    # Here, because a client reads errors with this module too, and has no database.
    from sqlalchemy.exc import DataError, DBAPIError, OperationalError

    if isinstance(raised, DataError):
        # The first line says why; what may follow shows the statement.
        why = str(raised.orig).partition("\n")[0]
        return InvalidArgument("INVALID_VALUE", f"a value of the request cannot be stored: {why}")
    if isinstance(raised, DBAPIError) and (
        raised.connection_invalidated or isinstance(raised, OperationalError)
    ):
        return Unavailable("DATABASE_UNAVAILABLE", "the service's database does not answer; try again")
    return Bug(uuid.uuid4().hex[:12])


def code_of(error: AloftError) -> grpc.StatusCode:
    """Say the status code of an error, by the nearest class in the tree."""
    for kind in type(error).__mro__:
        if kind in CODES:
            return CODES[kind]
    return grpc.StatusCode.INTERNAL


def status_of(error: AloftError) -> grpc.Status:
    """Make the status that a client receives."""
    message = clip(error.message)
    packed = []
    for detail in _details(error, message):
        one = Packed()
        one.Pack(detail)
        packed.append(one)
    return rpc_status.to_status(Status(code=code_of(error).value[0], message=message, details=packed))


def _details(error: AloftError, message: str) -> list[Message]:
    found: list[Message] = [
        details.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=fitting_metadata(error.metadata))
    ]
    match error:
        case InvalidArgument(violations=violations) if violations:
            fields = [
                details.BadRequest.FieldViolation(field=one.field, description=one.description)
                for one in fitting_violations(violations)
            ]
            found.append(details.BadRequest(field_violations=fields))
        case FailedPrecondition():
            violation = details.PreconditionFailure.Violation(
                type=error.reason, subject=_subject(error), description=message
            )
            found.append(details.PreconditionFailure(violations=[violation]))
        case ResourceExhausted():
            quota = details.QuotaFailure.Violation(subject=_subject(error), description=message)
            found += [details.QuotaFailure(violations=[quota]), _retry(error.retry_after_s)]
        case Unavailable():
            found.append(_retry(error.retry_after_s))
    return found


def _subject(error: AloftError) -> str:
    """Name what the error is about: errors put the resource first in their metadata."""
    return next((clip(f"{name}:{value}", _SUBJECT) for name, value in error.metadata.items()), "")


def _retry(seconds: float) -> details.RetryInfo:
    fraction, whole = math.modf(max(0.0, seconds))
    return details.RetryInfo(retry_delay=Duration(seconds=int(whole), nanos=int(fraction * 1e9)))


def error_from(code: grpc.StatusCode, message: str, status: Status | None) -> AloftError:
    """Read an error back from what a client received; without details the code is the reason."""
    info, violations, retry = details.ErrorInfo(), details.BadRequest(), details.RetryInfo()
    for packed in status.details if status is not None else ():
        for detail in (info, violations, retry):
            packed.Unpack(detail)  # leaves alone what is of another type
    reason = info.reason or code.name
    metadata = {name: value for name, value in info.metadata.items() if name not in _TAKEN}
    kind = next((kind for kind, known in CODES.items() if known is code), AloftError)
    if kind is InvalidArgument:
        fields = tuple(FieldViolation(one.field, one.description) for one in violations.field_violations)
        return InvalidArgument(reason, message, fields, **metadata)
    if kind is ResourceExhausted:
        return ResourceExhausted(reason, message, _seconds(retry), **metadata)
    if kind is Unavailable:
        return Unavailable(reason, message, _seconds(retry), **metadata)
    return kind(reason, message, **metadata)


_TAKEN = frozenset({"reason", "message", "violations", "retry_after_s"})


def _seconds(retry: details.RetryInfo) -> float:
    return float(retry.retry_delay.seconds) + retry.retry_delay.nanos / 1e9
