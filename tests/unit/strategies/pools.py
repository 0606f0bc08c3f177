"""Pools that tests make up, and the same pools read in another order."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from hypothesis import strategies as st

from aloft.strategies.pool import ArrayPool, Block, Earlier, Features, Ids, Known, ids


def image(number: int) -> str:
    """Make the id of an image, as registration does: the start of a hash."""
    return hashlib.sha256(f"image {number}".encode()).digest()[:16].hex()


def pool_of(features: list[list[float]], logits: list[list[float]] | None = None) -> ArrayPool:
    """Make a pool of images 0, 1, … with these features, and with norms if it has logits."""
    rows = np.array(features, dtype=np.float16).reshape(len(features), len(features[0]) if features else 1)
    images = ids([image(number) for number in range(len(features))])
    if logits is None:
        return ArrayPool(images, rows)
    norms = np.sqrt(np.square(rows.astype(np.float32)).sum(axis=1))
    said = np.array(logits, dtype=np.float32).reshape(len(logits), len(logits[0]) if logits else 1)
    return ArrayPool(images, rows, norms, said)


@dataclass(frozen=True, slots=True)
class Reordered:
    """A pool read in another order, cut at other places."""

    pool: ArrayPool
    order: list[int]
    cuts: list[int]

    def blocks(self) -> Iterator[Block]:
        """Read it so."""
        columns = (self.pool.features, self.pool.norms, self.pool.logits)
        edges = [0, *sorted(self.cuts), len(self.order)]
        for start, end in pairwise(edges):
            rows = self.order[start:end]
            cut = (None if column is None else column[rows] for column in columns)
            beside = {name: column[rows] for name, column in self.pool.columns.items()}
            yield Block(self.pool.images[rows], *cut, columns=beside)

    @property
    def most(self) -> int:
        return self.pool.most

    @property
    def known(self) -> Known:
        return self.pool.known

    def features_of(self, images: Ids) -> Features:
        """Read single rows."""
        return self.pool.features_of(images)

    def covered(self) -> Features:
        return self.pool.covered()

    def earlier(self) -> Earlier | None:
        return self.pool.earlier()


@st.composite
def pools(draw: st.DrawFn, most: int = 40, labels: int = 0) -> tuple[ArrayPool, Reordered]:
    """Draw a pool, and the same pool in another order and cut elsewhere; ties and duplicates are common."""
    size = draw(st.integers(1, most))
    width = draw(st.integers(1, 5))
    values = st.one_of(st.integers(-2, 2).map(float), st.floats(-50, 50, width=16))

    def table(columns: int) -> list[list[float]]:
        row = st.lists(values, min_size=columns, max_size=columns)
        return draw(st.lists(row, min_size=size, max_size=size))

    pool = pool_of(table(width), table(labels) if labels else None)
    order = draw(st.permutations(range(size)))
    cuts = draw(st.lists(st.integers(0, size), max_size=4))
    return pool, Reordered(pool, list(order), cuts)
