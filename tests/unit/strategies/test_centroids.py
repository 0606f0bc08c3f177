import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aloft.strategies import centroids, load
from aloft.strategies.pool import ArrayPool, hexadecimal
from aloft.strategies.strategy import Picks, Ranked
from tests.unit.strategies.pools import Reordered, image, pool_of, pools

CENTROIDS = load("centroids")


def select(pool: ArrayPool | Reordered, size: int, seed: int = 1) -> Picks:
    return CENTROIDS.select(pool, Ranked.of(np.empty(0, dtype="S16"), np.empty(0)), size, seed)


def test_from_each_of_two_clusters_the_image_nearest_the_middle_is_picked() -> None:
    # The centres by hand: (0 + 1 + 5) / 3 = 2 and (20 + 24 + 25 + 31) / 4 = 25.
    picks = select(pool_of([[0.0], [1.0], [5.0], [20.0], [24.0], [25.0], [31.0]]), 2)
    assert picks.images == (image(5), image(1)), (
        "25 lies on its centre, and its cluster is the larger; 1 lies 1 from 2"
    )
    assert [pick.score for pick in picks.picks] == pytest.approx([0.0, -1.0], abs=1e-5)
    assert picks.picks[0].why.startswith("Nearest to the centre of cluster ")
    assert picks.picks[0].why.endswith(", which has 4 images.")
    assert picks.shortfall == ""


def test_the_score_is_minus_the_distance_to_the_nearest_centre() -> None:
    ranked = CENTROIDS.rank(pool_of([[0.0], [1.0], [5.0], [20.0], [24.0], [25.0], [31.0]]), 2, 1)
    expected = {5: 0.0, 1: -1.0, 4: -1.0, 0: -2.0, 2: -3.0, 3: -5.0, 6: -6.0}
    scores = dict(zip(hexadecimal(ranked.images), ranked.scores.tolist(), strict=True))
    assert scores == pytest.approx({image(number): score for number, score in expected.items()}, abs=1e-5)
    assert list(scores.values()) == sorted(scores.values(), reverse=True), "the best comes first"


def test_identical_images_make_one_cluster_and_the_next_nearest_fill_the_batch() -> None:
    picks = select(pool_of([[3.0, 4.0]] * 6), 4)
    lowest = sorted(image(number) for number in range(6))[:4]
    assert list(picks.images) == lowest, "ties go to the lower image id"
    assert [pick.cluster for pick in picks.picks] == [0, 0, 0, 0]
    assert "Takes the place of an empty cluster" in picks.picks[1].why


def test_rows_that_are_not_numbers_are_left_out_and_counted() -> None:
    pool = pool_of([[0.0], [math.nan], [1.0], [math.inf], [9.0]])
    ranked = CENTROIDS.rank(pool, 2, 1)
    assert ranked.left_out == 2
    assert not {image(1), image(3)} & set(hexadecimal(ranked.images))
    picks = select(pool, 4)
    assert set(picks.images) == {image(0), image(2), image(4)}
    assert picks.shortfall.startswith("3 of 4 images: the pool has no more that can be sent out")
    assert picks.shortfall.endswith("2 have no finite score or features")


def test_a_pool_of_which_nothing_can_be_used_gives_an_empty_batch() -> None:
    assert len(select(pool_of([[math.nan]] * 3), 2)) == 0
    assert len(CENTROIDS.rank(pool_of([[math.nan]] * 3), 2, 1)) == 0
    assert len(select(pool_of([]), 2)) == 0


@given(pools(), st.integers(1, 4), st.integers(0, 2**64 - 1))
@settings(max_examples=20, deadline=None)
def test_a_pool_larger_than_its_sample_is_ranked_whole_and_alike_in_any_order(
    both: tuple[ArrayPool, Reordered], size: int, seed: int
) -> None:
    pool, reordered = both
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(centroids, "SAMPLE_MOST", 5)
        patch.setattr(centroids, "SAMPLE_EACH", 5)
        there, here = CENTROIDS.rank(pool, size, seed), CENTROIDS.rank(reordered, size, seed)
        assert select(pool, size, seed) == select(reordered, size, seed)
    assert hexadecimal(there.images) == hexadecimal(here.images)
    assert there.scores.tolist() == here.scores.tolist()
    assert sorted(hexadecimal(there.images)) == sorted(hexadecimal(pool.images))


def test_wide_features_are_ranked_alike_to_the_last_bit_wherever_the_pool_is_cut() -> None:
    draw = np.random.default_rng(5)
    pool = pool_of(np.abs(draw.normal(size=(700, 96))).tolist())
    assert pool.features is not None
    cut = Reordered(pool, draw.permutation(700).tolist(), [1, 2, 5, 300, 301, 699])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(centroids, "SAMPLE_MOST", 64)
        there, here = CENTROIDS.rank(pool, 16, 9), CENTROIDS.rank(cut, 16, 9)
        assert select(pool, 16, 9) == select(cut, 16, 9)
    assert there.scores.tobytes() == here.scores.tobytes()


def test_a_batch_is_picked_from_the_clusters_of_the_ranking_without_reading_the_pool_again() -> None:
    pool = pool_of([[0.0], [1.0], [5.0], [20.0], [24.0], [25.0], [31.0]])
    ranked = CENTROIDS.rank(pool, 2, 1)
    nowhere = ArrayPool(pool.images)
    assert CENTROIDS.select(nowhere, ranked, 2, 7) == select(pool, 2)
    left = ranked.without(np.sort(pool.images[[1, 5]]))
    picks = CENTROIDS.select(nowhere, left, 3, 7)
    assert picks.images == (image(4), image(0), image(2)), "of each cluster the next nearest, then of all"
    assert CENTROIDS.select(nowhere, left, 1, 7).images == (image(4),), "the largest cluster first"


def test_another_seed_finds_another_batch() -> None:
    pool = pool_of(np.random.default_rng(5).normal(size=(400, 8)).tolist())
    assert select(pool, 10, 1) != select(pool, 10, 2)


def test_every_well_separated_group_is_represented() -> None:
    draw = np.random.default_rng(3)
    middles = np.array([[0, 0], [40, 0], [0, 40], [40, 40]])
    rows = np.concatenate([middle + draw.normal(size=(25, 2)) for middle in middles])
    chosen = [
        int(np.flatnonzero([image(n) == each for n in range(100)])[0]) // 25
        for each in select(pool_of(rows.tolist()), 4).images
    ]
    assert sorted(chosen) == [0, 1, 2, 3], f"groups {chosen} were picked"


def test_a_pool_opened_without_features_is_refused() -> None:
    with pytest.raises(TypeError, match="reads features"):
        select(ArrayPool(pool_of([[0.0]]).images), 1)
