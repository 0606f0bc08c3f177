"""`centroids`: the images nearest to the centres of what the pool shows. A start without any label."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aloft.strategies import kmeans
from aloft.strategies.pool import Ids, Pool
from aloft.strategies.sample import draw, finite
from aloft.strategies.seeds import derive
from aloft.strategies.strategy import Needs, Picks, Ranked, Strategy, picks_of

SAMPLE_EACH = 256
"""Images of the sample for each centre: more move k-means' centres very little."""
SAMPLE_MOST = 16_384
"""Images of the sample in all, unless that leaves a centre of a large batch fewer than SAMPLE_LEAST."""
SAMPLE_LEAST = 16
"""Images of the sample for each centre in any case."""


@dataclass(frozen=True, slots=True)
class _Assigned:
    images: Ids
    clusters: NDArray[np.int64]
    distances: NDArray[np.float64]
    left_out: int


def rank(pool: Pool, size: int, seed: int) -> Ranked:
    """Score each image by how near one of k = b centres of the pool is: s_i = −min_k ‖z_i − c_k‖₂."""
    assigned = _assign(pool, size, seed)
    return Ranked.of(assigned.images, 0.0 - assigned.distances, assigned.left_out)


def select(pool: Pool, ranked: Ranked, size: int, seed: int) -> Picks:
    """Cluster the pool by k-means with k = b and pick from each cluster the image nearest its centre.

    An empty cluster gives its place to the next nearest image of all; ties go to the lower image id. The
    largest cluster comes first: where a batch is cut short, what stands for the most images stays.
    """
    found = _assign(pool, size, seed)
    order = np.lexsort((found.images, found.distances))
    clusters, first, members = np.unique(found.clusters[order], return_index=True, return_counts=True)
    largest = np.lexsort((found.images[order[first]], -members))
    spare = np.ones(len(order), dtype=bool)
    spare[first] = False
    fill = order[spare][: max(0, size - len(clusters))]
    chosen = np.concatenate([order[first[largest]], fill])
    why = [f"Nearest to the centre of cluster {clusters[c]}, which has {members[c]} images." for c in largest]
    why += [
        f"Takes the place of an empty cluster: next nearest to a centre, in cluster {c}."
        for c in found.clusters[fill]
    ]
    return picks_of(
        found.images[chosen], 0.0 - found.distances[chosen], found.clusters[chosen], why, size, found.left_out
    )


def _assign(pool: Pool, size: int, seed: int) -> _Assigned:
    sample = draw(
        pool, min(SAMPLE_EACH * size, max(SAMPLE_MOST, SAMPLE_LEAST * size)), derive(seed, "sample")
    )
    if not len(sample.images):
        return _Assigned(sample.images, np.empty(0, dtype=np.int64), np.empty(0), sample.left_out)
    centres = kmeans.fit(sample.features, size, derive(seed, "centres"))
    if sample.whole:
        return _Assigned(sample.images, *centres.nearest(sample.features), sample.left_out)
    parts = [(images, *centres.nearest(features)) for images, features, _ in map(finite, pool.blocks())]
    images, clusters, distances = (np.concatenate(column) for column in zip(*parts, strict=True))
    return _Assigned(images, clusters, distances, sample.left_out)


STRATEGY = Strategy("centroids", Needs(features=True), rank, select)
