"""A pool as strategies see it: a stream of blocks that can be read again from the start."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
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
    columns: Mapping[str, NDArray[np.float32]] = field(default_factory=dict, kw_only=True)
    """What takes the network's weights to compute, and was written beside the logits: a number an image."""

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True, slots=True)
class Known:
    """What labels have said of a campaign so far."""

    labels: tuple[str, ...] = ()
    """What the columns of the logits are."""
    positives: tuple[int, ...] = ()
    """How many labelled images have each of them."""
    labelled: int = 0
    """Labelled images in all."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """What the promoted version with a head before this one said of the pool."""

    labels: tuple[str, ...]
    """What the columns of its logits are."""
    blocks: Callable[[], Iterator[Block]]
    """Read its logits, in whatever order and blocks. Images may be missing, and there may be others."""


class Pool(Protocol):
    """Images that are to be ranked or selected from. Each is in one block, once."""

    @property
    def known(self) -> Known:
        """What labels have said so far."""

    @property
    def most(self) -> int:
        """How many images it may have: who keeps something of each takes room for so many at once."""

    def blocks(self) -> Iterator[Block]:
        """Read all of it, in whatever order it lies."""

    def features_of(self, images: Ids) -> Features:
        """Read the features of some of its images, row for row in the order asked."""

    def covered(self) -> Features:
        """Read the features of the images that are labelled or in flight, in order of image id."""

    def earlier(self) -> Earlier | None:
        """Give what an earlier version said, if there was one with a head."""


@dataclass(frozen=True, slots=True)
class ArrayPool:
    """A pool in memory, in blocks of `rows`."""

    images: Ids
    features: Features | None = None
    norms: Norms | None = None
    logits: Logits | None = None
    rows: int = 4096
    columns: Mapping[str, NDArray[np.float32]] = field(default_factory=dict, kw_only=True)
    known: Known = Known()
    covering: Features | None = None
    """The features of what is labelled or in flight."""
    before: Earlier | None = None

    @property
    def most(self) -> int:
        """How many images it has."""
        return len(self.images)

    def blocks(self) -> Iterator[Block]:
        """Read it in the order of the arrays."""
        columns = (self.features, self.norms, self.logits)
        for start in range(0, len(self.images), self.rows):
            part = slice(start, start + self.rows)
            cut = (None if column is None else column[part] for column in columns)
            beside = {name: column[part] for name, column in self.columns.items()}
            yield Block(self.images[part], *cut, columns=beside)

    def features_of(self, images: Ids) -> Features:
        """Take rows out of the array."""
        if self.features is None:
            raise TypeError("this strategy reads features, and the pool was opened without them")
        order = np.argsort(self.images, kind="stable")
        rows: Features = self.features[order[places(self.images[order], images)]]
        return rows

    def covered(self) -> Features:
        """Give the features of what is labelled or in flight: none where nothing was said."""
        if self.covering is None:
            width = 1 if self.features is None else self.features.shape[1]
            return np.empty((0, width), dtype=np.float16)
        return self.covering

    def earlier(self) -> Earlier | None:
        """Give what an earlier version said, if it was told."""
        return self.before


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
