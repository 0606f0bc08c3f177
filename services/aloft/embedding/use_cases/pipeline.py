"""Keeps a network fed: images are read ahead in threads, in batches, while the batch before is computed."""

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from aloft.embedding import metrics
from aloft.pool_images import PoolImage, Read, Rejected, read_ahead


class Answer(Protocol):
    """Features that may still be on their way."""

    def result(self) -> NDArray[np.float32]:
        """Wait for them."""


class Network(Protocol):
    """Starts on a batch and answers at once."""

    def submit(self, images: NDArray[np.float32]) -> Answer:
        """Take images × height × width × bands."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Some images with their features, row for row, and those before them that cannot be used."""

    images: Sequence[PoolImage]
    features: NDArray[np.float32]
    rejected: Sequence[Rejected]


@dataclass(frozen=True, slots=True)
class Feed:
    """How many images go through the network at once, and how many threads read them."""

    batch: int
    threads: int

    @property
    def ahead(self) -> int:
        """How many images are read ahead: bounded, whatever the size of the pool."""
        return 2 * self.batch + self.threads


def run(
    images: Iterable[PoolImage], read: Read, network: Network, feed: Feed
) -> Generator[Batch, None, None]:
    """Embed images in their order. `images` is drawn from only as far ahead as `feed` says."""
    before: _Computing | None = None
    with closing(read_ahead(images, read, feed.threads, feed.ahead)) as results:
        for loaded in _batches(results, feed.batch):
            computing = _Computing(loaded, _submit(network, loaded.arrays))
            if before is not None:
                yield before.answered()
            before = computing
    if before is not None:
        yield before.answered()


@dataclass(slots=True)
class _Loaded:
    images: list[PoolImage] = field(default_factory=list)
    arrays: list[NDArray[np.float32]] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Computing:
    loaded: _Loaded
    answer: Answer | None

    def answered(self) -> Batch:
        with metrics.stage("forward"):
            features = np.empty((0, 0), np.float32) if self.answer is None else self.answer.result()
        return Batch(self.loaded.images, features, self.loaded.rejected)


def _submit(network: Network, arrays: Sequence[NDArray[np.float32]]) -> Answer | None:
    with metrics.stage("forward"):
        return network.submit(np.stack(arrays)) if arrays else None


def _batches(
    results: Iterable[tuple[PoolImage, NDArray[np.float32] | Rejected]], size: int
) -> Iterator[_Loaded]:
    loaded = _Loaded()
    for image, result in results:
        if isinstance(result, Rejected):
            loaded.rejected.append(result)
        else:
            loaded.images.append(image)
            loaded.arrays.append(result)
        # Rejected ones count by themselves, so that a pool of nothing but bad images is not held in memory.
        if size in (len(loaded.images), len(loaded.rejected)):
            yield loaded
            loaded = _Loaded()
    if loaded.images or loaded.rejected:
        yield loaded
