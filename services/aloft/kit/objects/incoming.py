"""Where a folder's objects are written before they appear, and how they appear: whole, in one step."""

import fcntl
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from aloft.kit.objects.errors import BadKey, ObjectExists

FOLDER = ".incoming"
"""The folder, at the top of the bucket, that no listing shows and no key may begin with."""


class Incoming:
    """The unfinished files of one bucket."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folder = root / FOLDER
        self._folder.mkdir(exist_ok=True)
        self._sweep()

    def publish(self, key: str, path: Path, pieces: Iterable[bytes], only_new: bool) -> os.stat_result:
        """Write the pieces and give them the path at once; a source that fails leaves nothing."""
        if key.split("/", 1)[0] == FOLDER:
            raise BadKey(key, f"{FOLDER}/ is where unfinished objects lie")
        with self._writing(), tempfile.NamedTemporaryFile(dir=self._folder, delete=False) as file:
            unfinished = Path(file.name)
            try:
                for piece in pieces:
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
                self._appear(key, unfinished, path, only_new)
                return os.fstat(file.fileno())
            finally:
                unfinished.unlink(missing_ok=True)

    def _appear(self, key: str, unfinished: Path, path: Path, only_new: bool) -> None:
        try:
            if os.path.realpath(path.parent) != str(path.parent):
                raise BadKey(key, "it leads through a symbolic link")
            self._make_folders(path.parent)
            if only_new:
                path.hardlink_to(unfinished)
            else:
                unfinished.replace(path)
        except FileExistsError:
            raise ObjectExists(key) from None
        except (NotADirectoryError, IsADirectoryError):
            raise BadKey(
                key, "a folder cannot hold both an object and keys that go on behind it with '/'"
            ) from None
        _flush_folder(path.parent)

    def _make_folders(self, folder: Path) -> None:
        missing = [f for f in (folder, *folder.parents) if f.is_relative_to(self._root) and not f.is_dir()]
        for new in reversed(missing):
            try:
                new.mkdir()
            except FileExistsError:
                if not new.is_dir():
                    raise NotADirectoryError(new) from None
            _flush_folder(new.parent)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Say to a sweep, in this or any other process, that files here are being written."""
        descriptor = os.open(self._folder, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            yield
        finally:
            os.close(descriptor)

    def _sweep(self) -> None:
        """Remove what a killed process left, unless anybody is writing."""
        descriptor = os.open(self._folder, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for left in self._folder.iterdir():
                left.unlink(missing_ok=True)
        except BlockingIOError:
            return  # the next process that starts with nobody writing will do it
        finally:
            os.close(descriptor)


def _flush_folder(folder: Path) -> None:
    # A rename is in its folder: unflushed, a power cut could take back an object that was reported as stored.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
