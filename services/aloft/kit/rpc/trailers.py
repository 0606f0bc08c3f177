"""Cuts an error to what a client takes: gRPC refuses an answer whose trailers are longer than 8 KiB, and its
client then sees `RESOURCE_EXHAUSTED` in place of what was wrong.

The message goes out three times, once of them percent-encoded, and the details in base64.
"""

from collections.abc import Iterator, Mapping, Sequence

from aloft.kit.errors import FieldViolation

MESSAGE, METADATA, VIOLATIONS = 800, 800, 1_500
"""Bytes of UTF-8 that each may take."""
_NAME, _TEXT = 150, 400
_CUT = "…"


def clip(text: str, most: int = MESSAGE) -> str:
    """Cut a text to so many bytes, and show that it was cut."""
    encoded = text.encode(errors="replace")
    if len(encoded) <= most:
        return encoded.decode()
    return encoded[: most - len(_CUT.encode())].decode(errors="ignore") + _CUT


def fitting_metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    """Cut the values of metadata so that all of it fits."""
    each = METADATA // max(1, len(metadata))
    return {clip(name, _NAME): clip(value, each) for name, value in metadata.items()}


def fitting_violations(violations: Sequence[FieldViolation]) -> Iterator[FieldViolation]:
    """Give as many of the first ones as fit, and say how many more there are."""
    left = VIOLATIONS
    for index, one in enumerate(violations):
        cut = FieldViolation(clip(one.field, _NAME), clip(one.description, _TEXT))
        left -= len(cut.field.encode()) + len(cut.description.encode())
        if left < 0:
            more = len(violations) - index - 1
            told = f"{cut.description}; and {more} more fields are wrong" if more else cut.description
            yield FieldViolation(cut.field, told)
            return
        yield cut
