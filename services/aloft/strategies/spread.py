"""Spreads a batch over what the most uncertain images show: by k-means, one image from each cluster."""

import numpy as np
from numpy.typing import NDArray

from aloft.strategies import kmeans
from aloft.strategies.pool import Pool
from aloft.strategies.seeds import derive
from aloft.strategies.strategy import Picks, Ranked, picks_of


def select(pool: Pool, ranked: Ranked, size: int, seed: int, h: int) -> Picks:
    """Take k-means with k = b over the min(h·b, N) most uncertain, and from each cluster the most uncertain.

    An empty cluster gives its place to the next most uncertain image of all; ties go to the lower image id.
    The most uncertain comes first: where a batch is cut short, it stays.
    """
    places, features, left_out = _candidates(pool, ranked, h * size)
    clusters = _clusters(ranked, places, features, size, seed)
    # Candidates are in order of uncertainty, so the first of a cluster is its most uncertain.
    names, first, members = np.unique(clusters, return_index=True, return_counts=True)
    spare = np.ones(len(places), dtype=bool)
    spare[first] = False
    fill = np.flatnonzero(spare)[: max(0, size - len(first))]
    chosen = np.concatenate([np.sort(first), fill]).astype(np.intp)
    of = dict(zip(names.tolist(), members.tolist(), strict=True))
    why = [
        _why(rank=places[row] + 1, total=len(ranked), cluster=clusters[row], members=of[clusters[row]])
        for row in chosen[: len(first)]
    ]
    why += [
        f"Takes the place of an empty cluster: number {places[row] + 1} of {len(ranked)} by score."
        for row in fill
    ]
    picked = places[chosen]
    return picks_of(
        ranked.images[picked], ranked.scores[picked], clusters[chosen], why, size, ranked.left_out + left_out
    )


def _why(rank: int, total: int, cluster: int, members: int) -> str:
    most = "Like no other candidate"
    if members > 1:
        most = f"The highest of {members} that are alike (cluster {cluster})"
    return f"{most}: number {rank} of {total} by score."


def _candidates(pool: Pool, ranked: Ranked, most: int) -> tuple[NDArray[np.intp], NDArray[np.float32], int]:
    """Read the features of the most uncertain images, passing over those whose are not finite numbers."""
    places: list[NDArray[np.intp]] = [np.empty(0, dtype=np.intp)]
    features: list[NDArray[np.float32]] = []
    read = kept = 0
    while kept < most and read < len(ranked):
        rows = np.arange(read, min(read + most - kept, len(ranked)))
        found = pool.features_of(ranked.images[rows]).astype(np.float32)
        usable = np.isfinite(found).all(axis=1)
        places.append(rows[usable])
        features.append(found[usable])
        read += len(rows)
        kept += int(np.count_nonzero(usable))
    if not features:
        return places[0], np.empty((0, 1), dtype=np.float32), 0
    return np.concatenate(places), np.concatenate(features), read - kept


def _clusters(
    ranked: Ranked, places: NDArray[np.intp], features: NDArray[np.float32], size: int, seed: int
) -> NDArray[np.int64]:
    if not len(places):
        return np.empty(0, dtype=np.int64)
    # Seeding draws rows by number: in order of id it draws the same images whatever their scores.
    order = np.argsort(ranked.images[places], kind="stable")
    centres = kmeans.fit(features[order], size, derive(seed, "centres"))
    return centres.nearest(features)[0]
