"""CloudEvents 1.0 in binary mode: an event's name, origin and time as headers of a message."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

CONTENT_TYPE = "application/protobuf"
"""The one content type that is sent and taken."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Malformed(ValueError):
    """A message without what makes it an event of ours."""


@dataclass(frozen=True, slots=True)
class Attributes:
    """The attributes of one event."""

    id: str
    type: str
    source: str
    time_us: int
    subject: str = ""
    traceparent: str = ""


def to_headers(event: Attributes) -> dict[str, str]:
    """Write attributes as headers; what is empty is left out."""
    headers = {
        "ce_specversion": "1.0",
        "ce_id": event.id,
        "ce_type": event.type,
        "ce_source": event.source,
        "ce_time": (_EPOCH + timedelta(microseconds=event.time_us)).isoformat().replace("+00:00", "Z"),
        "ce_subject": event.subject,
        "traceparent": event.traceparent,
        "content-type": CONTENT_TYPE,
    }
    return {name: value for name, value in headers.items() if value}


def from_headers(headers: Mapping[str, str]) -> Attributes:
    """Read attributes, or raise `Malformed` with a sentence that says what is wrong."""
    missing = [name for name in ("ce_id", "ce_type") if not headers.get(name)]
    if missing:
        raise Malformed(f"no {' and no '.join(missing)} header")
    if headers.get("content-type") != CONTENT_TYPE:
        raise Malformed(f"content-type is {headers.get('content-type')!r}; only {CONTENT_TYPE} is taken")
    return Attributes(
        headers["ce_id"],
        headers["ce_type"],
        headers.get("ce_source", ""),
        _microseconds(headers.get("ce_time", "")),
        headers.get("ce_subject", ""),
        headers.get("traceparent", ""),
    )


def _microseconds(text: str) -> int:
    if not text:
        return 0
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Malformed(f"ce_time {text!r} is not a time as RFC 3339 writes it") from None
    if moment.tzinfo is None:
        raise Malformed(f"ce_time {text!r} has no zone")
    return (moment - _EPOCH) // timedelta(microseconds=1)
