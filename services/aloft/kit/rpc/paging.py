"""Pages of a list (AIP-158). A token continues one list: with other filters, or altered, it is refused."""

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from google.protobuf.message import Message

from aloft.kit.errors import InvalidArgument

_TAG = 12
Row = TypeVar("Row")
Cursor = tuple[str | int, ...]
"""The sort key of the last row of a page: the next begins behind it."""


@dataclass(frozen=True, slots=True)
class Page:
    """What to read: `size` rows behind `after`. Read one row more, and let `cut` say if there is a next."""

    size: int
    after: Cursor | None
    request: bytes

    def cut(self, rows: Sequence[Row], cursor: Callable[[Row], Cursor]) -> tuple[Sequence[Row], str]:
        """Take the page from up to `size + 1` rows, and make the token of the next ("": no more)."""
        if len(rows) <= self.size:
            return rows, ""
        page = rows[: self.size]
        return page, _encode(self.request, cursor(page[-1]))


def page(request: Any, *, default: int = 50, maximum: int = 1000) -> Page:
    """Read `page_size` and `page_token` of a list request. A size above the maximum means the maximum."""
    if request.page_size < 0:
        raise InvalidArgument.of("page_size", "must not be negative; 0 means the default")
    digest = _digest(request)
    after = _decode(digest, request.page_token) if request.page_token else None
    return Page(min(request.page_size or default, maximum), after, digest)


def _digest(request: Message) -> bytes:
    bare: Any = type(request)()
    bare.CopyFrom(request)
    bare.page_size = 0
    bare.page_token = ""
    name = request.DESCRIPTOR.full_name.encode()
    return hashlib.sha256(name + b"\0" + bare.SerializeToString(deterministic=True)).digest()


def _tag(request: bytes, cursor: bytes) -> bytes:
    return hashlib.sha256(request + cursor).digest()[:_TAG]


def _encode(request: bytes, cursor: Cursor) -> str:
    body = json.dumps(cursor, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_tag(request, body) + body).decode()


def _decode(request: bytes, token: str) -> Cursor:
    try:
        raw = base64.b64decode(token.encode(), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raw = b""
    body = raw[_TAG:]
    # A checksum, no signature: the filters hold on every page, so a forged token shows nothing hidden.
    if not body or _tag(request, body) != raw[:_TAG]:
        raise InvalidArgument.of(
            "page_token",
            "is not of this list; pass next_page_token as it came, with the other fields unchanged",
            reason="INVALID_PAGE_TOKEN",
        )
    return tuple(json.loads(body))
