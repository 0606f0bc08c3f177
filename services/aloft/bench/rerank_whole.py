"""Strategies that compare each image with each pick, beside as many bare reads of the features in memory."""

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aloft import strategies
from aloft.bench.child import peak_bytes
from aloft.bench.rerank_ours import SEED
from aloft.bench.rerank_pool import Size, ids_of_part
from aloft.bench.rerank_source import Source
from aloft.shards.ahead import in_order
from aloft.strategies.pool import ArrayPool, Block, Earlier, Features, Ids, Known, Pool, places
from aloft.strategies.strategy import Picks

_PIECE = 1 << 24
"""Bytes that a thread of the bare read takes at a time."""
_READS = 3
_AHEAD = 2
"""Blocks that are read while one is looked at."""


@dataclass(frozen=True, slots=True)
class Selected:
    """What one selection took, and another that read the features from a file."""

    seconds: float
    from_file_seconds: float
    picks: int
    peak_bytes: int


@dataclass(frozen=True, slots=True)
class FilePool:
    """A pool whose features lie in a file: whoever needs them all in memory holds them alone."""

    path: Path
    size: Size
    logits: NDArray[np.float32]
    norms: NDArray[np.float32]
    images: Ids

    @property
    def known(self) -> Known:
        """Nothing is labelled."""
        names = tuple(f"label-{number}" for number in range(self.size.labels))
        return Known(names, (0,) * len(names))

    @property
    def most(self) -> int:
        """All of the file."""
        return self.size.images

    def blocks(self) -> Iterator[Block]:
        """Read the file from its start, and ahead, as shards are read."""
        starts = range(0, self.size.images, self.size.shard_images)
        return in_order((partial(self._block, start) for start in starts), _AHEAD)

    def _block(self, start: int) -> Block:
        rows = slice(start, min(start + self.size.shard_images, self.size.images))
        width = self.size.feature_size
        count = (rows.stop - start) * width
        features = np.fromfile(self.path, dtype=np.float16, count=count, offset=2 * start * width)
        features = features.reshape(-1, width)
        return Block(self.images[rows], features, self.norms[rows], self.logits[rows])

    def features_of(self, images: Ids) -> Features:
        """Read single rows."""
        order = np.argsort(self.images, kind="stable")
        rows = order[places(self.images[order], images)]
        everything = np.memmap(
            self.path, dtype=np.float16, mode="r", shape=(self.size.images, self.size.feature_size)
        )
        return np.array(everything[rows])

    def covered(self) -> Features:
        """Nothing is labelled."""
        return np.empty((0, self.size.feature_size), dtype=np.float16)

    def earlier(self) -> Earlier | None:
        """There was no version before."""
        return None


def write(path: Path, size: Size, source: Source) -> None:
    """Write features in half precision, and beside them norms and the logits of a random linear head."""
    draws = np.random.default_rng(3)
    weights = draws.standard_normal((source.feature_size, size.labels), dtype=np.float32)
    norms, logits = [], []
    with path.open("wb") as opened:
        for part, start in enumerate(range(0, size.images, size.shard_images)):
            features = source.part(part, start, min(size.shard_images, size.images - start))
            features.astype(np.float16).tofile(opened)
            lengths = np.sqrt(np.einsum("nd,nd->n", features, features, dtype=np.float32))
            norms.append(lengths)
            # As steep for features of any length, and most labels absent.
            logits.append(2 * (features @ weights) / np.maximum(lengths, 1e-6)[:, None] - 3)
        # On the disk before anything is timed: the kernel would write it beside what is.
        opened.flush()
        os.fsync(opened.fileno())
    np.savez(path.with_suffix(".npz"), norms=np.concatenate(norms), logits=np.concatenate(logits))


def select(path: Path, size: Size, expression: str) -> Selected:
    """Rank and select with the features in memory, and then again from the file they came from."""
    with np.load(path.with_suffix(".npz")) as beside:
        norms, logits = beside["norms"], beside["logits"]
    images = ids_of(size)
    features = np.fromfile(path, dtype=np.float16).reshape(size.images, size.feature_size)
    seconds, picks = _timed(ArrayPool(images, features, norms, logits), size, expression)
    del features
    from_file, again = _timed(FilePool(path, size, logits, norms, images), size, expression)
    if picks.images != again.images:
        raise RuntimeError(f"{expression} selected other images from the file than from memory")
    return Selected(seconds, from_file, len(picks), peak_bytes())


def _timed(pool: Pool, size: Size, expression: str) -> tuple[float, Picks]:
    strategy = strategies.load(expression)
    started = time.perf_counter()
    picks = strategy.select(pool, strategy.rank(pool, size.batch, SEED), size.batch, SEED)
    return time.perf_counter() - started, picks


def ids_of(size: Size) -> Ids:
    """Draw the ids of all images."""
    starts = range(0, size.images, size.shard_images)
    parts = [ids_of_part(part, min(size.shard_images, size.images - at)) for part, at in enumerate(starts)]
    return np.concatenate(parts)


def bare_read_s(path: Path) -> float:
    """Time reading all features in memory once, on all cores: the best of a few times."""
    words = np.fromfile(path, dtype=np.uint8)
    words = words[: len(words) // 8 * 8].view(np.uint64)
    step = _PIECE // 8
    pieces = [words[start : start + step] for start in range(0, len(words), step)]
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as threads:
        took = []
        for _ in range(_READS):
            started = time.perf_counter()
            list(threads.map(np.bitwise_or.reduce, pieces))
            took.append(time.perf_counter() - started)
    return min(took)
