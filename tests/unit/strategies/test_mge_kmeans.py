import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aloft.strategies import load
from aloft.strategies.pool import ArrayPool, Features, Ids, hexadecimal
from aloft.strategies.strategy import Picks, Ranked
from tests.unit.strategies.pools import Reordered, image, pool_of, pools

MGE_KMEANS = load("mge+kmeans")

GROUPS = pool_of(
    [[0.0], [0.1], [0.2], [50.0], [50.1], [90.0]],
    [[-0.1], [-0.2], [-0.3], [-4.0], [-4.1], [-6.0]],
)
"""Three groups; whatever is in the first is less certain than all else."""


def choose(pool: ArrayPool | Reordered, size: int, seed: int = 1) -> Picks:
    return MGE_KMEANS.select(pool, MGE_KMEANS.rank(pool, size, seed), size, seed)


def ranked_of(pool: ArrayPool, scores: list[float]) -> Ranked:
    return Ranked.of(pool.images, np.array(scores))


def test_from_each_cluster_the_most_uncertain_is_picked_the_most_uncertain_of_all_first() -> None:
    ranked = ranked_of(GROUPS, [0.7, 0.9, 0.8, 0.2, 0.3, 0.1])
    picks = MGE_KMEANS.select(GROUPS, ranked, 3, 1)
    assert picks.images == (image(1), image(4), image(5))
    assert [pick.score for pick in picks.picks] == [0.9, 0.3, 0.1]
    assert len({pick.cluster for pick in picks.picks}) == 3
    first, second, third = (pick.why for pick in picks.picks)
    assert first.startswith("The highest of 3 that are alike (cluster ")
    assert first.endswith("): number 1 of 6 by score.")
    assert "of 2 that are alike" in second
    assert third == "Like no other candidate: number 6 of 6 by score."


def test_only_the_four_times_b_most_uncertain_are_looked_at() -> None:
    rows = [[float(number)] for number in range(20)]
    pool = pool_of(rows)
    asked: list[Ids] = []

    class Watched(Reordered):
        def features_of(self, images: Ids) -> Features:
            asked.append(images)
            return super().features_of(images)

    watched = Watched(pool, list(range(20)), [])
    picks = MGE_KMEANS.select(watched, ranked_of(pool, [-float(n) for n in range(20)]), 2, 1)
    assert [hexadecimal(images) for images in asked] == [[image(number) for number in range(8)]]
    assert set(picks.images) < {image(number) for number in range(8)}


def test_an_empty_cluster_gives_its_place_to_the_next_most_uncertain() -> None:
    pool = pool_of([[3.0, 4.0]] * 6)
    picks = MGE_KMEANS.select(pool, ranked_of(pool, [1, 2, 3, 4, 5, 6]), 4, 1)
    assert picks.images == (image(5), image(4), image(3), image(2))
    assert picks.picks[1].why == "Takes the place of an empty cluster: number 2 of 6 by score."
    assert picks.shortfall == ""


def test_ties_go_to_the_lower_image_id() -> None:
    pool = pool_of([[1.0]] * 6)
    picks = MGE_KMEANS.select(pool, ranked_of(pool, [1.0] * 6), 2, 1)
    assert list(picks.images) == sorted(image(number) for number in range(6))[:2]


def test_a_pool_smaller_than_the_batch_is_sent_out_whole_and_says_so() -> None:
    pool = pool_of([[0.0], [5.0], [9.0]], [[0.0], [1.0], [2.0]])
    picks = choose(pool, 5)
    assert sorted(picks.images) == sorted(image(number) for number in range(3))
    assert picks.shortfall == "3 of 5 images: the pool has no more that can be sent out"


def test_an_image_whose_features_are_no_numbers_gives_its_place_to_the_next() -> None:
    pool = pool_of([[math.nan], [1.0], [math.inf], [3.0], [4.0]])
    picks = MGE_KMEANS.select(pool, ranked_of(pool, [9, 8, 7, 2, 1]), 1, 1)
    assert picks.images == (image(1),)
    picks = MGE_KMEANS.select(pool, ranked_of(pool, [9, 8, 7, 2, 1]), 4, 1)
    assert set(picks.images) == {image(1), image(3), image(4)}
    assert picks.shortfall.endswith("and 2 have no finite score or features")


def test_an_image_without_a_score_is_told_of_where_the_batch_is_short() -> None:
    picks = choose(pool_of([[0.0], [1.0]], [[math.nan], [0.0]]), 2)
    assert picks.images == (image(1),)
    assert picks.shortfall.endswith("and 1 have no finite score or features")


@pytest.mark.parametrize("features", [[], [[math.nan]] * 3], ids=["no image", "no usable one"])
def test_a_pool_of_which_nothing_can_be_used_gives_an_empty_batch(features: list[list[float]]) -> None:
    assert len(choose(pool_of(features, [[0.0]] * len(features)), 2)) == 0


@given(pools(labels=2), st.integers(1, 6), st.integers(0, 2**64 - 1))
@settings(max_examples=20, deadline=None)
def test_every_pick_is_a_candidate_and_no_cluster_has_a_more_uncertain_one(
    both: tuple[ArrayPool, Reordered], size: int, seed: int
) -> None:
    ranked = MGE_KMEANS.rank(both[0], size, seed)
    picks = MGE_KMEANS.select(both[0], ranked, size, seed)
    candidates = hexadecimal(ranked.images)[: 4 * size]
    assert set(picks.images) <= set(candidates)
    assert picks.images[0] == candidates[0], "the most uncertain of all is the most uncertain of its cluster"
    named = [pick for pick in picks.picks if "empty cluster" not in pick.why]
    assert len({pick.cluster for pick in named}) == len(named), "a cluster has two picks of its own"
    fills = [candidates.index(pick.image) for pick in picks.picks[len(named) :]]
    left = [place for place, one in enumerate(candidates) if one not in {pick.image for pick in named}]
    assert fills == left[: len(fills)], "an empty cluster's place went to a less uncertain image"


def test_the_pool_is_spread_over_wider_than_by_uncertainty_alone() -> None:
    draw = np.random.default_rng(3)
    middles = np.array([[0, 0], [40, 0], [0, 40], [40, 40]])
    rows = np.concatenate([middle + draw.normal(size=(4, 2)) for middle in middles])
    pool = pool_of(rows.tolist())
    scores = [4.0 - number // 4 for number in range(16)]
    groups = sorted(
        next(n for n in range(16) if image(n) == each) // 4
        for each in MGE_KMEANS.select(pool, ranked_of(pool, scores), 4, 1).images
    )
    assert groups == [0, 1, 2, 3], f"groups {groups} were picked; the first alone is the most uncertain"
