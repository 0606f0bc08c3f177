"""What a run has on one server: looked for, made, and removed in the same way on each."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from kafka.errors import KafkaError
from minio.error import MinioException
from sqlalchemy.exc import SQLAlchemyError
from urllib3.exceptions import HTTPError

from aloft.demo.children import DemoFailed
from aloft.kit.errors import AloftError
from aloft.kit.objects.errors import StoreRefused

REASONS = (
    KafkaError,
    MinioException,
    StoreRefused,
    SQLAlchemyError,
    HTTPError,
    AloftError,
    OSError,
    ValueError,
)
"""What clients raise where a server is away or refuses, and settings where they contradict themselves."""


class Refused(DemoFailed):
    """A server cannot be used, in a sentence that names it."""


class Part(Protocol):
    """One server, and what the run of a name has there."""

    @property
    def server(self) -> str:
        """What the server is called."""

    @property
    def needs(self) -> Mapping[str, str]:
        """The settings without which it is not found, and what each says."""

    def look(self) -> str:
        """Connect, and describe what is there; raises what a client raises, or `Refused`."""

    def make(self) -> None:
        """Make what the run needs there."""

    def remove(self) -> None:
        """Remove what the run has there; nothing happens where there is nothing."""


@contextmanager
def named(part: Part) -> Iterator[None]:
    """Turn what a client raises into a sentence that begins with the server."""
    try:
        yield
    except REASONS as reason:
        raise Refused(f"{part.server}: {_first_line(reason)}") from reason


def _first_line(reason: Exception) -> str:
    cause = getattr(reason, "orig", None) or reason
    lines = str(cause).strip().splitlines()
    return lines[0] if lines else type(cause).__name__
