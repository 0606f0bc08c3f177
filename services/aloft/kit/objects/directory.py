"""Objects as the files of one folder: for a laptop, a demo and fast tests."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from aloft.kit.objects import metrics
from aloft.kit.objects.errors import ObjectMissing, RangeOutside, ReadOnly
from aloft.kit.objects.incoming import FOLDER, Incoming
from aloft.kit.objects.keys import check_key
from aloft.kit.objects.port import CHUNK, CONTENT_TYPE, GAP, ByteRange, ObjectInfo
from aloft.kit.objects.signing import UrlSigner
from aloft.kit.objects.spans import read_ranges
from aloft.kit.objects.walk import files_in_order


class DirectoryObjects:
    """One folder as one bucket: an object is a file, its key the path below the folder.

    Symbolic links are no objects, neither listed nor followed: what they point at may lie outside. Content
    types are not kept.
    """

    def __init__(self, root: Path | str, *, signer: UrlSigner | None = None, read_only: bool = False) -> None:
        folder = Path(root)
        if read_only and not folder.is_dir():
            raise ValueError(f"{folder} is no folder; make it, or name the one that has the objects")
        if not read_only:
            folder.mkdir(parents=True, exist_ok=True)
        self._root = folder.resolve()
        self._signer = signer
        self._incoming = None if read_only else Incoming(self._root)

    def put(
        self,
        key: str,
        data: bytes | Iterable[bytes],
        *,
        content_type: str = CONTENT_TYPE,
        only_new: bool = False,
    ) -> ObjectInfo:
        """Write beside, flush to the disk, then rename: a reader sees the old file or the new one."""
        incoming = self._writable("put")
        path = self._path(key)
        metrics.requested("put")
        found = incoming.publish(key, path, [data] if isinstance(data, bytes) else data, only_new)
        metrics.sent(found.st_size)
        return _describe(key, found)

    def get(self, key: str) -> bytes:
        """Read a whole, small object."""
        with self.stream(key) as pieces:
            return b"".join(pieces)

    @contextmanager
    def stream(self, key: str, chunk: int = CHUNK) -> Iterator[Iterator[bytes]]:
        """Read an object piece by piece, the same file to the end even when a newer one takes its place."""
        metrics.requested("get")
        descriptor = self._open(key)
        try:
            yield _pieces(descriptor, chunk)
        finally:
            os.close(descriptor)

    def ranges(self, key: str, ranges: Sequence[ByteRange], *, gap: int = GAP) -> list[bytes]:
        """Read ranges, in the order asked; those not further than `gap` bytes apart by one read."""
        descriptor = self._open(key)
        try:
            return read_ranges(
                ranges, gap, lambda spans: (_read_span(descriptor, key, span) for span in spans)
            )
        finally:
            os.close(descriptor)

    def stat(self, key: str) -> ObjectInfo:
        """Describe an object, or raise `ObjectMissing`."""
        metrics.requested("stat")
        descriptor = self._open(key)
        try:
            return _describe(key, os.fstat(descriptor))
        finally:
            os.close(descriptor)

    def list(self, prefix: str = "", *, start_after: str = "") -> Iterator[ObjectInfo]:
        """Walk the keys that begin with a prefix, in order, a folder in memory at a time."""
        metrics.requested("list")
        for key, found in files_in_order(self._root, prefix, start_after, hidden=FOLDER):
            yield _describe(key, found)

    def delete(self, keys: Iterable[str]) -> None:
        """Remove objects; one that is not there is no error."""
        self._writable("delete")
        for key in keys:
            path = self._path(key)
            metrics.requested("delete")
            try:
                if self._holds(path):
                    path.unlink()
            except FileNotFoundError:
                continue  # somebody else removed it between the look and the call

    def signed_url(self, key: str, expires_s: float) -> str:
        """Make a URL that `http.SignedObjectServer` answers until it expires."""
        if self._signer is None:
            raise ValueError("a folder signs URLs only when it is given a UrlSigner")
        return self._signer.url(check_key(key), expires_s)

    def _writable(self, operation: str) -> Incoming:
        if self._incoming is None:
            raise ReadOnly(self._root.name, operation)
        return self._incoming

    def _path(self, key: str) -> Path:
        return self._root / check_key(key)

    def _holds(self, path: Path) -> bool:
        return os.path.realpath(path) == str(path) and path.is_file()

    def _open(self, key: str) -> int:
        path = self._path(key)
        if not self._holds(path):
            raise ObjectMissing(key)
        try:
            return os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        except FileNotFoundError:
            raise ObjectMissing(key) from None


def _describe(key: str, found: os.stat_result) -> ObjectInfo:
    # Reading every byte for a digest would make listing a pool as slow as reading it. A put makes a new file,
    # so its inode differs from the one it replaces; an edit in place moves the time of modification.
    return ObjectInfo(key, found.st_size, f"{found.st_size:x}-{found.st_mtime_ns:x}-{found.st_ino:x}")


def _pieces(descriptor: int, chunk: int) -> Iterator[bytes]:
    while piece := os.read(descriptor, chunk):
        metrics.received(len(piece))
        yield piece


def _read_span(descriptor: int, key: str, span: ByteRange) -> bytes:
    metrics.requested("range")
    pieces: list[bytes] = []
    missing = span.length
    while missing and (piece := os.pread(descriptor, missing, span.end - missing)):
        pieces.append(piece)
        missing -= len(piece)
    if missing:
        raise RangeOutside(key, span.start, span.length)
    metrics.received(span.length)
    return b"".join(pieces)
