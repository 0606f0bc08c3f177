"""What services ask of an object store. Adapters: `s3.S3Objects`, `directory.DirectoryObjects`."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from aloft.kit.objects.errors import ObjectExists as ObjectExists
from aloft.kit.objects.errors import ObjectMissing as ObjectMissing

CHUNK = 1 << 20
"""Bytes that a stream hands over at a time unless it is told otherwise."""

GAP = 1 << 18
"""Ranges closer than this travel together: reading so much more costs less than asking once more."""

CONTENT_TYPE = "application/octet-stream"
"""What an object is taken for unless `put` says more."""


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What a store says of an object without reading it. `etag` changes whenever the bytes do."""

    key: str
    size: int
    etag: str


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Bytes from `start`, `length` of them."""

    start: int
    length: int

    def __post_init__(self) -> None:
        if self.start < 0 or self.length < 0:
            raise ValueError(
                f"a range begins at 0 or later and is not negative, not {self.start}+{self.length}"
            )

    @property
    def end(self) -> int:
        """The first byte behind it."""
        return self.start + self.length


class Objects(Protocol):
    """One bucket. An object appears whole or not at all.

    A key is never another key with `/` and more behind it: a folder cannot hold both, and MinIO hides one.
    """

    def put(
        self, key: str, data: bytes | Iterable[bytes], *, content_type: str = ..., only_new: bool = ...
    ) -> ObjectInfo:
        """Store bytes, or a stream in bounded memory (multipart where long); visible only when complete.

        With `only_new` an object that is there stays and `ObjectExists` is raised. After an answer that was
        lost, a repeat finds what the first attempt stored: use it for keys that name their content.
        """

    def get(self, key: str) -> bytes:
        """Read a whole, small object."""

    def stream(self, key: str, chunk: int = ...) -> AbstractContextManager[Iterator[bytes]]:
        """Read an object piece by piece."""

    def ranges(self, key: str, ranges: Sequence[ByteRange], *, gap: int = ...) -> list[bytes]:
        """Read ranges, in the order asked; those not further than `gap` bytes apart travel as one request.

        A range that ends behind the object raises `RangeOutside`.
        """

    def stat(self, key: str) -> ObjectInfo:
        """Describe an object, or raise `ObjectMissing`."""

    def list(self, prefix: str = ..., *, start_after: str = ...) -> Iterator[ObjectInfo]:
        """Walk the keys that begin with a prefix, in order of their UTF-8 bytes, page by page."""

    def delete(self, keys: Iterable[str]) -> None:
        """Remove objects; one that is not there is no error."""

    def signed_url(self, key: str, expires_s: float) -> str:
        """Make a URL under the public endpoint with which anyone may read this object until it expires."""
