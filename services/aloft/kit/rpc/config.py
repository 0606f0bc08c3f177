"""How a server listens."""

from dataclasses import dataclass, field
from typing import Any

import grpc


@dataclass(frozen=True, slots=True)
class Tls:
    """A server's certificate and key, and the authority of its clients' certificates where it wants one."""

    certificate: bytes
    private_key: bytes = field(repr=False)
    client_ca: bytes | None = None

    def credentials(self) -> grpc.ServerCredentials:
        """Make what gRPC takes."""
        pair = [(self.private_key, self.certificate)]
        return grpc.ssl_server_credentials(
            pair, self.client_ca, require_client_auth=self.client_ca is not None
        )


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """How a server listens."""

    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = 0
    """Port; 0 takes a free one."""
    tls: Tls | None = None
    """Certificate; None is plain text."""
    reflection: bool = False
    """Whether clients may ask for descriptions."""
    max_message_bytes: int = 16 * 1024 * 1024
    """Longest message either way."""
    max_concurrent: int = 512
    """Calls in flight before more are refused."""
    threads: int = 32
    """Calls worked on at once."""
    keepalive_s: float = 60.0
    """How often an idle connection is probed."""

    connection_age_s: float = 8.0
    """How long a client keeps one connection. It is told to make a new one, and no call is lost by that."""

    def options(self) -> list[tuple[str, Any]]:
        """Say it in gRPC's words."""
        return [
            ("grpc.max_receive_message_length", self.max_message_bytes),
            ("grpc.max_send_message_length", self.max_message_bytes),
            ("grpc.keepalive_time_ms", round(self.keepalive_s * 1000)),
            ("grpc.keepalive_timeout_ms", 20_000),
            ("grpc.keepalive_permit_without_calls", 1),
            # A server that shuts down drops the calls that reach it meanwhile. So clients must have left
            # before, and gRPC has no other way to ask them: see docs/decisions/rpc-drain.md.
            ("grpc.max_connection_age_ms", round(self.connection_age_s * 1000)),
            # Clients may probe too, as often as ours do.
            ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
            # Without this a second server on the port would silently take half of the calls.
            ("grpc.so_reuseport", 0),
        ]
