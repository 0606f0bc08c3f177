"""A client's side: a channel that adds key, deadline and trace to every call; errors read back."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import grpc
from grpc_status import rpc_status

from aloft.kit.errors import AloftError, ResourceExhausted, Unavailable
from aloft.kit.rpc.status import error_from
from aloft.kit.telemetry.tracing import traceparent

DEADLINE_S = 30.0
MAX_MESSAGE_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Identity:
    """A client's certificate and its key, PEM, where the server asks for one (mTLS)."""

    certificate: bytes
    private_key: bytes


# Tried again by the channel itself. A server that shuts down answers CANCELLED to a call that just came.
_RETRY = {
    "methodConfig": [
        {
            "name": [{}],
            "retryPolicy": {
                "maxAttempts": 5,
                "initialBackoff": "0.1s",
                "maxBackoff": "2s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE", "CANCELLED"],
            },
        }
    ]
}


def channel(
    target: str,
    *,
    key: str = "",
    ca: bytes | None = None,
    tls: bool = False,
    identity: Identity | None = None,
    deadline_s: float = DEADLINE_S,
    max_message_bytes: int = MAX_MESSAGE_BYTES,
    options: Sequence[tuple[str, Any]] = (),
) -> grpc.Channel:
    """Open a channel: plain, or under TLS with the machine's authorities (`tls`) or one's own (`ca`, PEM)."""
    settings = [
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.max_receive_message_length", max_message_bytes),
        ("grpc.max_send_message_length", max_message_bytes),
        ("grpc.service_config", json.dumps(_RETRY)),
        *options,
    ]
    if tls or ca is not None or identity is not None:
        certificate = identity.certificate if identity else None
        private = identity.private_key if identity else None
        credentials = grpc.ssl_channel_credentials(ca, private, certificate)
        bare = grpc.secure_channel(target, credentials, settings)
    else:
        bare = grpc.insecure_channel(target, settings)
    return grpc.intercept_channel(bare, _Additions(key, deadline_s))


class _Details(NamedTuple):
    method: str
    timeout: float | None
    metadata: Any
    credentials: grpc.CallCredentials | None
    wait_for_ready: bool | None
    compression: grpc.Compression | None


class _Additions(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):
    """Adds what every call carries."""

    def __init__(self, key: str, deadline_s: float) -> None:
        self._key = key
        self._deadline_s = deadline_s

    def intercept_unary_unary(self, continuation: Callable[..., Any], details: Any, request: Any) -> Any:
        """Add to a call with one answer."""
        return continuation(self._with(details), request)

    def intercept_unary_stream(self, continuation: Callable[..., Any], details: Any, request: Any) -> Any:
        """Add to a call with a stream of answers."""
        return continuation(self._with(details), request)

    def _with(self, details: Any) -> _Details:
        metadata = list(details.metadata or ())
        given = {name for name, _ in metadata}
        if self._key and "authorization" not in given:
            metadata.append(("authorization", f"Bearer {self._key}"))
        if "traceparent" not in given and (current := traceparent()):
            metadata.append(("traceparent", current))
        return _Details(
            details.method,
            self._deadline_s if details.timeout is None else details.timeout,
            metadata,
            details.credentials,
            details.wait_for_ready,
            details.compression,
        )


def error_of(failure: grpc.RpcError) -> AloftError:
    """Read what a server refused, as the error that it raised; what gRPC itself refused gets a reason too."""
    call: Any = failure
    code, message = call.code(), call.details() or ""
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED and "larger than max" in message:
        return ResourceExhausted("MESSAGE_TOO_LONG", f"the message is too long: {message}", 0.0)
    status = rpc_status.from_call(call)
    if code is grpc.StatusCode.UNAVAILABLE and status is None:
        return Unavailable("UNREACHABLE", f"the service cannot be reached: {message}")
    return error_from(code, message, status)
