"""Which text a client may give: what is too long for its place, or cannot be stored, is refused."""

from collections.abc import Iterator

from aloft.kit.errors import FieldViolation, InvalidArgument

NAME = 200
"""Characters that a name may have."""


def violations_of(text: str, field: str, most: int = NAME) -> Iterator[FieldViolation]:
    """Name what is wrong with a text."""
    if len(text) > most:
        yield FieldViolation(field, f"at most {most} characters, not {len(text)}")
    if "\0" in text:
        yield FieldViolation(field, "has a NUL character, which PostgreSQL stores nowhere: leave it out")


def check(text: str, field: str, most: int = NAME) -> None:
    """Raise `InvalidArgument` for a text that is wrong."""
    for violation in violations_of(text, field, most):
        raise InvalidArgument.of(violation.field, violation.description)
