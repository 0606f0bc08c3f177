"""Pools that tests make up, and the same pools read in another order."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from hypothesis import strategies as st

from aloft.strategies.pool import ArrayPool, Block, Features, Ids, ids


def image(number: int) -> str:
    """Make the id of an image, as registration does: the start of a hash."""
    return hashlib.sha256(f"image {number}".encode()).digest()[:16].hex()


def pool_of(features: list[list[float]]) -> ArrayPool:
    """Make a pool of images 0, 1, … with these features."""
    rows = np.array(features, dtype=np.float16).reshape(len(features), len(features[0]) if features else 1)
    return ArrayPool(ids([image(number) for number in range(len(features))]), rows)


@dataclass(frozen=True, slots=True)
class Reordered:
    """A pool read in another order, cut at other places."""

    images: Ids
    features: Features
    order: list[int]
    cuts: list[int]

    def blocks(self) -> Iterator[Block]:
        """Read it so."""
        edges = [0, *sorted(self.cuts), len(self.order)]
        for start, end in pairwise(edges):
            rows = self.order[start:end]
            yield Block(self.images[rows], self.features[rows])


@st.composite
def pools(draw: st.DrawFn, most: int = 40) -> tuple[ArrayPool, Reordered]:
    """Draw a pool, and the same pool in another order and cut elsewhere; ties and duplicates are common."""
    size = draw(st.integers(1, most))
    width = draw(st.integers(1, 5))
    values = st.one_of(st.integers(-2, 2).map(float), st.floats(-50, 50, width=16))
    rows = draw(st.lists(st.lists(values, min_size=width, max_size=width), min_size=size, max_size=size))
    pool = pool_of(rows)
    order = draw(st.permutations(range(size)))
    cuts = draw(st.lists(st.integers(0, size), max_size=4))
    assert pool.features is not None
    return pool, Reordered(pool.images, pool.features, list(order), cuts)
