"""A pool as strategies see it: a stream of blocks that can be read again from the start."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.bytes_]
"""Image ids as `S16`, which sorts as the bytes do. Its items drop trailing zeros; `hexadecimal` does not."""

Features = NDArray[np.floating]
"""A row for each image: what the last layer sees."""

Norms = NDArray[np.floating]
"""The length of each image's features, taken before they were rounded."""

Logits = NDArray[np.floating]
"""A row for each image and a column for each label, as the last layer gives them."""


@dataclass(frozen=True, slots=True)
class Block:
    """Some images of a pool, row for row, with the columns that the pool was opened with."""

    images: Ids
    features: Features | None = None
    norms: Norms | None = None
    logits: Logits | None = None

    def __len__(self) -> int:
        return len(self.images)


class Pool(Protocol):
    """Images that are to be ranked or selected from. Each is in one block, once."""

    def blocks(self) -> Iterator[Block]:
        """Read all of it, in whatever order it lies."""

    def features_of(self, images: Ids) -> Features:
        """Read the features of some of its images, row for row in the order asked."""


@dataclass(frozen=True, slots=True)
class ArrayPool:
    """A pool in memory, in blocks of `rows`."""

    images: Ids
    features: Features | None = None
    norms: Norms | None = None
    logits: Logits | None = None
    rows: int = 4096

    def blocks(self) -> Iterator[Block]:
        """Read it in the order of the arrays."""
        columns = (self.features, self.norms, self.logits)
        for start in range(0, len(self.images), self.rows):
            part = slice(start, start + self.rows)
            yield Block(self.images[part], *(None if column is None else column[part] for column in columns))

    def features_of(self, images: Ids) -> Features:
        """Take rows out of the array."""
        if self.features is None:
            raise TypeError("this strategy reads features, and the pool was opened without them")
        order = np.argsort(self.images, kind="stable")
        rows: Features = self.features[order[places(self.images[order], images)]]
        return rows


def ids(images: list[str]) -> Ids:
    """Make an array of ids from their hexadecimal digits."""
    return np.frombuffer(bytes.fromhex("".join(images)), dtype="S16")


def hexadecimal(images: Ids) -> list[str]:
    """Write ids as thirty-two hexadecimal digits each."""
    digits = np.ascontiguousarray(images).tobytes().hex()
    return [digits[start : start + 32] for start in range(0, len(digits), 32)]


def without(images: Ids, excluded: Ids) -> NDArray[np.bool_]:
    """Say which images are not among `excluded`, which is sorted."""
    if not len(excluded):
        return np.ones(len(images), dtype=bool)
    place = np.minimum(np.searchsorted(excluded, images), len(excluded) - 1)
    kept: NDArray[np.bool_] = excluded[place] != images
    return kept


def places(within: Ids, images: Ids) -> NDArray[np.intp]:
    """Say where each image is in `within`, which is sorted; one that is not there raises `LookupError`."""
    place: NDArray[np.intp] = np.searchsorted(within, images)
    found = place < len(within)
    found[found] = within[place[found]] == images[found]
    if not found.all():
        raise LookupError(f"image {hexadecimal(images[~found])[0]} is not in the pool")
    return place
