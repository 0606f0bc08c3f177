"""`centroids`: the images nearest to the centres of what the pool shows. A start without any label."""

import numpy as np

from aloft.strategies import kmeans
from aloft.strategies.pool import Pool
from aloft.strategies.sample import draw, finite
from aloft.strategies.seeds import derive
from aloft.strategies.strategy import Needs, Picks, Ranked, Strategy, picks_of

SAMPLE_EACH = 256
"""Images of the sample for each centre: more move k-means' centres very little."""
SAMPLE_MOST = 16_384
"""Images of the sample in all, unless that leaves a centre of a large batch fewer than SAMPLE_LEAST."""
SAMPLE_LEAST = 16
"""Images of the sample for each centre in any case."""


def rank(pool: Pool, size: int, seed: int) -> Ranked:
    """Score each image by how near one of k = b centres of the pool is: s_i = −min_k ‖z_i − c_k‖₂."""
    sample = draw(
        pool, min(SAMPLE_EACH * size, max(SAMPLE_MOST, SAMPLE_LEAST * size)), derive(seed, "sample")
    )
    if not len(sample.images):
        return Ranked.of(sample.images, np.empty(0), sample.left_out, np.empty(0, dtype=np.int32))
    centres = kmeans.fit(sample.features, size, derive(seed, "centres"))
    if sample.whole:
        parts = [(sample.images, *centres.nearest(sample.features))]
    else:
        parts = [(images, *centres.nearest(features)) for images, features, _ in map(finite, pool.blocks())]
    images, clusters, distances = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Ranked.of(images, 0.0 - distances, sample.left_out, clusters.astype(np.int32))


def select(pool: Pool, ranked: Ranked, size: int, seed: int) -> Picks:
    """Pick from each cluster of the ranking the image nearest its centre.

    Where there are fewer clusters, the next nearest images of all take the places left; ties go to the lower
    image id. The largest cluster comes first: where a batch is cut short, what stands for the most images
    stays.
    """
    if ranked.clusters is None:
        ranked = rank(pool, size, seed)
    assert ranked.clusters is not None
    clusters, first, members = np.unique(ranked.clusters, return_index=True, return_counts=True)
    largest = np.lexsort((ranked.images[first], -members))[:size]
    spare = np.ones(len(ranked), dtype=bool)
    spare[first] = False
    fill = np.flatnonzero(spare)[: size - len(largest)]
    chosen = np.concatenate([first[largest], fill])
    why = [f"Nearest to the centre of cluster {clusters[c]}, which has {members[c]} images." for c in largest]
    why += [
        f"Takes the place of an empty cluster: next nearest to a centre, in cluster {c}."
        for c in ranked.clusters[fill]
    ]
    of = ranked.clusters[chosen].astype(np.int64)
    return picks_of(ranked.images[chosen], ranked.scores[chosen], of, why, size, ranked.left_out)


STRATEGY = Strategy("centroids", Needs(features=True), rank, select)
