"""Files that are there whole or not at all, whenever whoever writes them is killed."""

import io
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that nobody ever sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = _beside(path)
    try:
        with unfinished.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def write_arrays(path: Path, **arrays: NDArray[np.generic]) -> None:
    """Write named arrays as one file."""
    written = io.BytesIO()
    np.savez(written, allow_pickle=False, **arrays)
    write_whole(path, written.getvalue())


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Fill a folder that takes its name when the block ends; where another was faster, theirs stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = _beside(path)
    unfinished.mkdir()
    try:
        yield unfinished
        if not path.exists():
            unfinished.rename(path)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _beside(path: Path) -> Path:
    return path.with_name(f".unfinished-{uuid.uuid4().hex}")


class FileCheckpoints:
    """The last checkpoint of one training, as a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> bytes | None:
        """Give the last one kept, or none."""
        return self._path.read_bytes() if self._path.exists() else None

    def save(self, data: bytes) -> None:
        """Keep this one in its place."""
        write_whole(self._path, data)

    def clear(self) -> None:
        """Remove it, once the training has ended."""
        self._path.unlink(missing_ok=True)
