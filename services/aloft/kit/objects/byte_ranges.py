"""The one range that an HTTP client may ask for (RFC 9110, section 14)."""

import re

from aloft.kit.objects.port import ByteRange

_SINGLE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


class RangeNotSatisfiable(Exception):
    """A range with no byte of the object in it."""


def requested_range(header: str | None, size: int) -> ByteRange | None:
    """Say which bytes of an object are asked for; None means all, as for a form not known here."""
    match = _SINGLE.fullmatch(header.strip()) if header else None
    if match is None or match.group() == "bytes=-":
        return None
    first, last = match.groups()
    if not first:
        length = min(int(last), size)
        start = size - length
    else:
        start = int(first)
        if last and int(last) < start:
            return None
        length = min(int(last) + 1 if last else size, size) - start
    if length <= 0:
        raise RangeNotSatisfiable(f"the object has {size} bytes")
    return ByteRange(start, length)
