"""k-means: centres from a sample, then the nearest centre of any number of images, block by block."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aloft.strategies.halves import singles
from aloft.strategies.pool import Features

ITERATIONS = 20
TRIALS = 16
"""Rows drawn for each seed, of which one stays: with few, the last of clusters far apart is often missed."""
_SEED_ROWS, _SEED_ROWS_EACH = 4096, 8
"""Rows that are enough to draw seeds among: so many, or so many for each. A draw measures all of them."""
_MEASURED_AT_ONCE = 8192
"""Rows whose products with one another are held, in 256 MiB; past them each draw makes its own."""
_ROWS, _CLOSE_ROWS = 2048, 64
_WORTH_THREADS = 1 << 24
"""Products in an iteration from which on they are shared between cores."""


@dataclass(frozen=True, slots=True)
class Centres:
    """Centres, all different, relative to an origin in the middle of what they were fitted to."""

    origin: NDArray[np.float32]
    points: NDArray[np.float32]

    def nearest(self, features: Features) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Say the nearest centre of each row, k_i = argmin_k ‖z_i − c_k‖₂ (first of equals), and how far."""
        parts = [self._nearest(features[start : start + _ROWS]) for start in range(0, len(features), _ROWS)]
        if not parts:
            return np.empty(0, dtype=np.int64), np.empty(0)
        return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])

    def _nearest(self, features: Features) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        rows = singles(features)
        rows -= self.origin
        lengths = np.einsum("ij,ij->i", rows, rows)
        reach = np.einsum("ij,ij->i", self.points, self.points)
        squared = rows @ self.points.T
        squared *= -2
        squared += reach
        # A matrix product rounds differently for blocks of different heights. So it only proposes centres,
        # with room for its error; sums over single rows, the same wherever a block is cut, find the winner.
        room = 4 * rows.shape[1] * np.finfo(np.float32).eps * (lengths + reach.max())
        row, centre = np.nonzero(squared <= (squared.min(axis=1) + room)[:, None])
        exact = self._squared(rows, row, centre)
        order = np.lexsort((centre, exact, row))
        first = order[np.unique(row[order], return_index=True)[1]]
        return centre[first], np.sqrt(exact[first])

    def _squared(
        self, rows: NDArray[np.float32], row: NDArray[np.intp], centre: NDArray[np.intp]
    ) -> NDArray[np.float64]:
        found = np.empty(len(row))
        # Some at a time, so that they stay in the core's own cache.
        for start in range(0, len(row), _CLOSE_ROWS):
            part = slice(start, start + _CLOSE_ROWS)
            apart = rows[row[part]].astype(np.float64)
            apart -= self.points[centre[part]]
            found[part] = np.einsum("ij,ij->i", apart, apart)
        return found


def fit(sample: NDArray[np.float32], k: int, seed: int) -> Centres:
    """Minimise Σ_i min_k ‖z_i − c_k‖² over k centres by Lloyd's iterations from greedy k-means++ seeds.

    Where the sample has no more distinct rows than k, they are the centres.
    """
    origin = sample.mean(axis=0, dtype=np.float64).astype(np.float32)
    rows = sample - origin
    if _distinct(rows, k):
        return Centres(origin, np.unique(_lloyd(rows, k, seed), axis=0))
    return Centres(origin, np.unique(rows, axis=0))


def _distinct(rows: NDArray[np.float32], k: int) -> bool:
    # Equal rows have equal sums, and comparing sums is so much quicker that it is tried first.
    return len(np.unique(rows.sum(axis=1))) > k or len(np.unique(rows, axis=0)) > k


def _lloyd(rows: NDArray[np.float32], k: int, seed: int) -> NDArray[np.float32]:
    import faiss  # only here: most of what imports strategies never fits centres

    rows = np.ascontiguousarray(rows)
    among = max(_SEED_ROWS, _SEED_ROWS_EACH * k)
    seeds = _seeds(rows[:: max(1, len(rows) // among)], k, seed)
    clustering = faiss.Kmeans(
        rows.shape[1],
        len(seeds),
        niter=ITERATIONS,
        seed=seed % 2**31,
        min_points_per_centroid=1,
        max_points_per_centroid=len(rows),
    )
    threads = faiss.omp_get_max_threads()
    try:
        if rows.size * k < _WORTH_THREADS:
            # Threads that wait for one another spin: on a busy machine that takes longer than so little work.
            faiss.omp_set_num_threads(1)
        clustering.train(rows, init_centroids=seeds)
    finally:
        faiss.omp_set_num_threads(threads)
    return np.asarray(clustering.centroids, dtype=np.float32)


def _seeds(rows: NDArray[np.float32], k: int, seed: int) -> NDArray[np.float32]:
    """Draw k rows by greedy k-means++: of a few drawn by D², each step keeps the one that lowers Σ D² most.

    D. Arthur and S. Vassilvitskii, "k-means++: The Advantages of Careful Seeding" (2007). One draw a step, as
    faiss makes it, leaves a third of all fits with two far clusters under one centre.
    """
    chance = np.random.default_rng(seed)
    squared_to = _squared_to(rows, TRIALS * k)
    chosen = [int(chance.integers(len(rows)))]
    nearest = squared_to(np.array(chosen))[0].astype(np.float64)
    while len(chosen) < k:
        reach = np.cumsum(nearest)
        if reach[-1] <= 0:
            break
        drawn = np.searchsorted(reach, chance.random(TRIALS) * reach[-1], side="right")
        drawn = np.minimum(drawn, len(rows) - 1)
        squared = np.minimum(squared_to(drawn), nearest)
        best = int(np.argmin(squared.sum(axis=1)))
        chosen.append(int(drawn[best]))
        nearest = squared[best]
        nearest[chosen[-1]] = 0
    return rows[chosen]


def _squared_to(rows: NDArray[np.float32], asked: int) -> Callable[[NDArray[np.intp]], NDArray[np.float32]]:
    """Make the function that measures d² from some rows to all of them; `asked` are so many in all."""
    lengths = np.einsum("ij,ij->i", rows, rows)
    # All products at once, each core's rows read a few times and not once a draw.
    known = rows @ rows.T if len(rows) <= min(asked, _MEASURED_AT_ONCE) else None

    def squared_to(some: NDArray[np.intp]) -> NDArray[np.float32]:
        products = rows[some] @ rows.T if known is None else known[some]
        found: NDArray[np.float32] = np.maximum(lengths - 2 * products + lengths[some, None], 0)
        return found

    return squared_to
