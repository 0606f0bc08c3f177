"""`typiclust`: from the clusters that labels cover least, the images that are most typical of them.

Hacohen, Dekel & Weinshall, "Active Learning on a Budget: Opposite Strategies Suit High and Low Budgets"
(ICML 2022, arXiv:2202.02794): typical images teach most while labels are few.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

import numpy as np
from numpy.typing import NDArray

from aloft.strategies import kmeans
from aloft.strategies.directions import Directions
from aloft.strategies.pool import Features, Ids, Pool
from aloft.strategies.sample import draw, finite
from aloft.strategies.seeds import derive
from aloft.strategies.strategy import Needs, Picks, Ranked, Strategy, picks_of

CLUSTERS_MOST = 500
"""Clusters at most, as in the paper. A larger batch takes several images of a cluster."""
NEIGHBOURS = 20
"""Nearest neighbours over which typicality is measured (K), as in the paper."""
SMALL = 5
"""A cluster with fewer images is of outliers, and comes last, as in the paper."""
SAMPLE_EACH = 256
"""Images of the sample for each cluster."""
SAMPLE_MOST = 32_768
"""Images of the sample in all, so that its features fit in memory."""
_TOGETHER = 8_192


@dataclass(frozen=True, slots=True)
class _Clustered:
    directions: Directions
    centres: kmeans.Centres
    images: Ids
    """The sample, in order of id."""
    rows: NDArray[np.float32]
    clusters: NDArray[np.int64]
    left_out: int
    whole: bool

    def cluster(self, rows: NDArray[np.float32]) -> NDArray[np.int64]:
        return self.centres.nearest(rows / np.float32(self.directions.length))[0]

    def typicality(
        self, images: Ids, rows: NDArray[np.float32], clusters: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Compute t_i = 1 / (mean distance to the K nearest of its cluster's sample, itself apart)."""
        typical = np.zeros(len(images))
        for cluster in np.unique(clusters):
            of = np.flatnonzero(clusters == cluster)
            others = np.flatnonzero(self.clusters == cluster)
            typical[of] = self._typical(images[of], rows[of], self.images[others], self.rows[others])
        return typical

    def _typical(
        self, images: Ids, rows: NDArray[np.float32], names: Ids, others: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        found = np.zeros(len(images))
        if not len(names):
            return found
        for start in range(0, len(images), 1024):
            part = slice(start, start + 1024)
            squared = self.directions.squared(rows[part], others)
            place = np.minimum(np.searchsorted(names, images[part]), len(names) - 1)
            itself = np.flatnonzero(names[place] == images[part])
            squared[itself, place[itself]] = np.inf
            nearest = np.sort(squared, axis=1)[:, :NEIGHBOURS].astype(np.float64)
            there = np.isfinite(nearest)
            apart = np.sqrt(np.maximum(np.where(there, nearest, 0), 0)).sum(axis=1)
            neighbours = there.sum(axis=1)
            # The paper's 10⁻⁵ keeps it finite among images that are all the same.
            near = 1 / (1e-5 + apart / np.maximum(neighbours, 1))
            found[part] = np.where(neighbours > 0, near, 0.0)
        return found


def rank(pool: Pool, size: int, seed: int) -> Ranked:
    """Score each image by its typicality: 1 / its mean distance to the K nearest in its cluster."""
    found = _clustered(pool, size, seed)
    if found.whole:
        typical = found.typicality(found.images, found.rows, found.clusters)
        return Ranked.of(found.images, typical, found.left_out)
    images: list[Ids] = []
    scores: list[NDArray[np.float64]] = []
    for names, features in _together(pool):
        rows = found.directions.of(features)
        images.append(names)
        scores.append(found.typicality(names, rows, found.cluster(rows)))
    return Ranked.of(np.concatenate(images), np.concatenate(scores), found.left_out)


def select(pool: Pool, ranked: Ranked, size: int, seed: int) -> Picks:
    """Pick, again and again, the most typical image of the largest cluster among those covered least.

    Of a pool larger than its sample, images of the sample are picked, and clusters are as large as in it.
    """
    found = _clustered(pool, size, seed)
    typical = found.typicality(found.images, found.rows, found.clusters)
    covered = pool.covered()
    usable = covered[np.isfinite(covered).all(axis=1)]
    there = np.empty(0, dtype=np.int64)
    if len(usable) and len(found.images):
        there = found.cluster(found.directions.of(usable))
    labelled = np.bincount(there, minlength=len(found.centres.points))
    chosen, before = choose(found.clusters, typical, labelled, size)
    clusters = found.clusters[chosen]
    members = np.bincount(found.clusters, minlength=1)
    of = "" if found.whole else f" of the {len(found.images)} sampled"
    why = [
        f"The most typical left of cluster {cluster}, which has {members[cluster]} images{of} and "
        f"{count} labelled, in flight or chosen."
        for cluster, count in zip(clusters.tolist(), before.tolist(), strict=True)
    ]
    return picks_of(found.images[chosen], typical[chosen], clusters, why, size, found.left_out)


def choose(
    clusters: NDArray[np.int64], typical: NDArray[np.float64], covered: NDArray[np.int64], size: int
) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """Choose by cluster and typicality, and say how often each one's cluster was covered before it."""
    order = np.lexsort((np.arange(len(typical)), -typical, clusters))
    names, first, members = np.unique(clusters[order], return_index=True, return_counts=True)
    queue = [
        (count < SMALL, int(covered[name]), -int(count), int(name), int(start), int(start + count))
        for name, start, count in zip(names, first, members, strict=True)
    ]
    heapify(queue)
    chosen: list[int] = []
    before: list[int] = []
    while queue and len(chosen) < size:
        small, times, count, name, start, end = heappop(queue)
        chosen.append(int(order[start]))
        before.append(times)
        if start + 1 < end:
            heappush(queue, (small, times + 1, count, name, start + 1, end))
    return np.array(chosen, dtype=np.intp), np.array(before, dtype=np.int64)


def _clustered(pool: Pool, size: int, seed: int) -> _Clustered:
    covered = pool.covered()
    count = max(1, min(len(covered) + size, CLUSTERS_MOST))
    sample = draw(pool, min(SAMPLE_EACH * count, SAMPLE_MOST), derive(seed, "sample"))
    directions = Directions.about_mean(sample.features)
    rows = directions.of(sample.features)
    unit = rows / np.float32(directions.length)
    if not len(unit):
        nowhere = kmeans.Centres(np.zeros(rows.shape[1], dtype=np.float32), rows)
        return _Clustered(
            directions, nowhere, sample.images, rows, np.empty(0, np.int64), sample.left_out, True
        )
    centres = kmeans.fit(unit, count, derive(seed, "centres"))
    clusters = centres.nearest(unit)[0]
    return _Clustered(directions, centres, sample.images, rows, clusters, sample.left_out, sample.whole)


def _together(pool: Pool) -> Iterator[tuple[Ids, Features]]:
    """Read a pool in blocks of at least some thousand images, so that each cluster has some in each."""
    images: list[Ids] = []
    features: list[Features] = []
    for names, rows, _ in map(finite, pool.blocks()):
        images.append(names)
        features.append(rows)
        if sum(map(len, images)) >= _TOGETHER:
            yield np.concatenate(images), np.concatenate(features)
            images, features = [], []
    if images:
        yield np.concatenate(images), np.concatenate(features)


STRATEGY = Strategy("typiclust", Needs(features=True, covered=True), rank, select)
