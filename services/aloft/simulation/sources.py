"""Where the images of an experiment lie: a folder, or a tar archive that is never unpacked."""

import gzip
import hashlib
import lzma
import tarfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from aloft.kit.errors import InvalidArgument

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".npy"})
"""Files that are taken for images where nobody lists them."""
_DAMAGED = (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile)


@dataclass(frozen=True, slots=True)
class Source:
    """Files under a folder or in an archive, by their paths within it, written with slashes."""

    path: Path
    field: str = "data"
    """The option that names it."""

    @classmethod
    def of(cls, path: Path, field: str) -> "Source":
        """Open what an option names."""
        if not path.exists():
            raise InvalidArgument.of(field, f"there is no {path}: name a folder or a tar archive")
        try:
            usable = path.is_dir() or tarfile.is_tarfile(path)
        except _DAMAGED as error:
            raise InvalidArgument.of(field, f"{path} is damaged, or was not copied whole: {error}") from error
        if not usable:
            raise InvalidArgument.of(field, f"{path} is neither a folder nor a tar archive")
        return cls(path, field)

    def images(self) -> list[str]:
        """List all images, in order of path."""
        return sorted(name for name in self._sizes() if PurePosixPath(name).suffix.lower() in SUFFIXES)

    def lacks(self, wanted: Collection[str]) -> set[str]:
        """Say which of these files are not there."""
        return set(wanted) - self._sizes().keys()

    def read(self, wanted: Collection[str]) -> Iterator[tuple[str, bytes]]:
        """Read files in whatever order they lie."""
        if self.path.is_dir():
            yield from ((name, (self.path / name).read_bytes()) for name in wanted)
            return
        left = set(wanted)
        with self._archive() as archive:
            for member in archive:
                name = _plain(member.name)
                if name in left and (file := archive.extractfile(member)) is not None:
                    left.discard(name)
                    yield name, file.read()

    def stamp(self, wanted: Collection[str]) -> str:
        """Digest what tells, without reading them, that files are as they were."""
        sha256 = hashlib.sha256(str(self.path.resolve()).encode())
        if self.path.is_dir():
            for name in wanted:
                found = (self.path / name).stat()
                sha256.update(f"{name}\n{found.st_size} {found.st_mtime_ns}\n".encode())
        else:
            found = self.path.stat()
            sha256.update("\n".join((*wanted, f"{found.st_size} {found.st_mtime_ns}")).encode())
        return sha256.hexdigest()

    def _sizes(self) -> dict[str, int]:
        if self.path.is_dir():
            files = (each for each in self.path.rglob("*") if each.is_file())
            return {each.relative_to(self.path).as_posix(): each.stat().st_size for each in files}
        with self._archive() as archive:
            return {_plain(member.name): member.size for member in archive if member.isfile()}

    @contextmanager
    def _archive(self) -> Iterator[tarfile.TarFile]:
        try:
            with tarfile.open(self.path) as archive:
                yield archive
        except _DAMAGED as error:
            why = f"{self.path} is damaged, or was not copied whole: {error}"
            raise InvalidArgument.of(self.field, why) from error


def _plain(name: str) -> str:
    return name.removeprefix("./")
