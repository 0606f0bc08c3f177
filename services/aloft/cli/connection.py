"""Where the services are and which key opens them: the options that every client command shares."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import grpc
import typer

from aloft.cli.output import refusals
from aloft.kit.rpc.channel import DEADLINE_S, Identity, channel

PORTS = {"label-store": 7710, "embedding": 7711, "acquisition": 7712, "trainer": 7713}
"""Where each service listens unless it is told otherwise."""

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


@dataclass(frozen=True, slots=True)
class Connection:
    """The services' addresses and the caller's key."""

    host: str
    key: str
    ca: bytes | None
    """The authority to trust, where the services speak TLS."""
    identity: Identity | None = None
    """Where the services ask for certificates."""

    def target(self, service: str) -> str:
        """Say a service's address: `ALOFT_<SERVICE>_TARGET`, or the host and the usual port."""
        name = f"ALOFT_{service.replace('-', '_').upper()}_TARGET"
        return os.environ.get(name) or f"{self.host}:{PORTS[service]}"

    @contextmanager
    def to(self, service: str) -> Iterator[grpc.Channel]:
        """Open a channel to a service; what it refuses becomes a sentence and exit code 1."""
        with refusals(), self.open(service) as opened:
            yield opened

    def open(self, service: str, deadline_s: float = DEADLINE_S) -> grpc.Channel:
        """Open a channel to a service; what it refuses is raised as it came."""
        return channel(
            self.target(service), key=self.key, ca=self.ca, identity=self.identity, deadline_s=deadline_s
        )


def connection() -> Connection:
    """Read the caller's side of the connection from its environment."""
    key = os.environ.get("ALOFT_KEY", "")
    if not key:
        raise typer.BadParameter(
            "no key: set ALOFT_KEY to an operator's or administrator's key"
            " (`aloft admin bootstrap` makes the first)"
        )
    host = os.environ.get("ALOFT_HOST", "127.0.0.1")
    certificate, private = _read("ALOFT_CERT_FILE"), _read("ALOFT_CERT_KEY_FILE")
    if (certificate is None) is not (private is None):
        raise typer.BadParameter("set both ALOFT_CERT_FILE and ALOFT_CERT_KEY_FILE, or neither")
    identity = Identity(certificate, private) if certificate and private else None
    return Connection(host, key, _read("ALOFT_CA_FILE"), identity)


def _read(variable: str) -> bytes | None:
    """Read the PEM file that a variable names, if it names one."""
    path = os.environ.get(variable)
    try:
        return Path(path).read_bytes() if path else None
    except OSError as failure:
        raise typer.BadParameter(
            f"{path} cannot be read: {failure.strerror}; name a PEM file, or unset it", param_hint=variable
        ) from failure
