"""Parts of a ranking, read where they lie: a page of it, and the place of one image."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from aloft.acquisition.ranking_file import ROWS, columns
from aloft.kit.objects.port import ByteRange, Objects
from aloft.shards import ShardDamaged
from aloft.strategies.pool import hexadecimal, ids


@dataclass(frozen=True, slots=True)
class Place:
    """An image of a ranking. Places are counted from 1, the best."""

    place: int
    image: str
    score: float


def page(objects: Objects, key: str, after: int, count: int) -> list[Place]:
    """Read up to `count` images behind the place `after`: the batches that hold them, and nothing else."""
    with _opened(objects, key) as batches:
        found: list[Place] = []
        number = after // ROWS
        while len(found) < count and number < batches.num_record_batches:
            first = max(0, after - number * ROWS)
            images, scores = columns(batches.get_batch(number))
            part = slice(first, first + count - len(found))
            begin = number * ROWS + first + 1
            rows = zip(hexadecimal(images[part]), scores[part].tolist(), strict=True)
            found += [Place(begin + row, *each) for row, each in enumerate(rows)]
            number += 1
        return found


def place_of(objects: Objects, key: str, image: str, go_on: Callable[[], None]) -> Place | None:
    """Find an image by reading the ranking batch by batch, asking before each whether to go on."""
    wanted = ids([image])[0]
    with _opened(objects, key) as batches:
        for number in range(batches.num_record_batches):
            go_on()
            images, scores = columns(batches.get_batch(number))
            rows = np.flatnonzero(images == wanted)
            if len(rows):
                row = int(rows[0])
                return Place(number * ROWS + row + 1, image, float(scores[row]))
    return None


@contextmanager
def _opened(objects: Objects, key: str) -> Iterator[Any]:
    try:
        with pa.ipc.open_file(_Stored(objects, key)) as opened:
            yield opened
    except pa.ArrowException as error:
        raise ShardDamaged(key, f"it is no ranking: {error}") from error


class _Stored(io.RawIOBase):
    """An object as a file of which only what is asked for is read."""

    def __init__(self, objects: Objects, key: str) -> None:
        self._objects = objects
        self._key = key
        self._size = objects.stat(key).size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def readinto(self, target: Any) -> int:
        length = max(0, min(len(target), self._size - self._at))
        if length:
            (data,) = self._objects.ranges(self._key, [ByteRange(self._at, length)])
            target[:length] = data
            self._at += length
        return length
