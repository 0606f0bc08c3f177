"""TorchServe's two HTTP APIs, with the tokens that it writes to its disk."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlencode

from aloft.serving.port import ServerAway

Kind = Literal["management", "inference"]

_API = "API"
"""The token that renews the two others, and does not itself expire."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A status and what came with it."""

    status: int
    content: Any
    """JSON, or text where it is none."""

    @property
    def complaint(self) -> str:
        """What a refusal says of itself."""
        said = self.content
        return str(said.get("message", said)) if isinstance(said, dict) else str(said)


class Api:
    """Calls TorchServe, renewing a token that has expired."""

    def __init__(self, management: str, inference: str, key_file: Path, timeout_s: float) -> None:
        self._addresses: Mapping[Kind, str] = {"management": management, "inference": inference}
        self._key_file = key_file
        self._timeout_s = timeout_s
        self._keys: dict[str, str] = {}

    def call(
        self, kind: Kind, method: str, path: str, query: Mapping[str, object] | None = None, body: bytes = b""
    ) -> Reply:
        """Make one call; it is repeated only where the token was not accepted."""
        target = f"{path}?{urlencode(query)}" if query else path
        # Tokens are read again first: a TorchServe that was restarted has written others.
        for prepare in (self._ensure, self._read, self._renew):
            prepare(kind)
            reply = self._once(kind, method, target, body, self._keys[kind])
            if not _token_refused(reply):
                return reply
        raise ServerAway(f"TorchServe does not accept the {kind} token of {self._key_file}")

    def _ensure(self, _kind: Kind) -> None:
        if not self._keys:
            self._read(_kind)

    def _read(self, _kind: Kind) -> None:
        try:
            said = json.loads(self._key_file.read_text())
            self._keys = {name: str(said[name]["key"]) for name in ("management", "inference", _API)}
        except FileNotFoundError as error:
            raise ServerAway(f"TorchServe has not written its tokens yet: no {self._key_file}") from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ServerAway(f"TorchServe's tokens in {self._key_file} cannot be read: {error}") from error

    def _renew(self, kind: Kind) -> None:
        self._once("management", "GET", f"/token?type={kind}", b"", self._keys[_API])
        self._read(kind)

    def _once(self, kind: Kind, method: str, target: str, body: bytes, key: str) -> Reply:
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/octet-stream"}
        address = self._addresses[kind]
        # Not by way of urllib, which would send what stays on this machine through a proxy.
        connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=self._timeout_s)
        try:
            connection.request(method, target, body, headers)
            answer = connection.getresponse()
            return Reply(answer.status, _content(answer.read()))
        except (OSError, http.client.HTTPException) as error:
            raise ServerAway(f"TorchServe does not answer at {address}: {error}") from error
        finally:
            connection.close()


def _content(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return data.decode(errors="replace")


def _token_refused(reply: Reply) -> bool:
    kind = reply.content.get("type") if isinstance(reply.content, dict) else None
    return reply.status in (401, 403, 400) and kind == "InvalidKeyException"
