"""k-means finds clusters that are far apart, whatever the seed."""

import numpy as np
import pytest

from aloft.strategies import kmeans

CLUSTERS = 20


@pytest.mark.parametrize("seed", range(20))
def test_each_of_clusters_far_apart_gets_a_centre(seed: int) -> None:
    draws = np.random.default_rng([3, seed])
    sizes = 10 + 2 * draws.permutation(CLUSTERS)
    middles = 80 * np.eye(CLUSTERS, 32, dtype=np.float32)
    rows = np.repeat(middles, sizes, axis=0) + draws.standard_normal((int(sizes.sum()), 32), np.float32)
    centres = kmeans.fit(rows, CLUSTERS, seed)
    found, distances = centres.nearest(rows.astype(np.float16))
    members = np.unique(np.repeat(np.arange(CLUSTERS), sizes) * len(centres.points) + found)
    assert len(members) == CLUSTERS, "a cluster is cut in two, or two share a centre"
    assert distances.max() < 15


def test_fewer_distinct_rows_than_centres_are_the_centres() -> None:
    rows = np.repeat(np.eye(3, dtype=np.float32), 5, axis=0)
    assert len(kmeans.fit(rows, 4, seed=0).points) == 3


def test_rows_that_rounding_cannot_tell_apart_give_no_more_centres_than_there_are() -> None:
    rows = np.full((50, 4), 1e4, dtype=np.float32)
    rows += np.arange(50, dtype=np.float32)[:, None] * np.float32(0.001)
    centres = kmeans.fit(rows, 10, seed=1)
    assert 1 <= len(centres.points) <= 10
    assert np.isfinite(centres.points).all()
