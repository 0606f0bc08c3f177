import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aloft.strategies import typiclust
from aloft.strategies.pool import ArrayPool, hexadecimal
from aloft.strategies.strategy import Picks, Ranked
from tests.unit.strategies.pools import Reordered, image, pool_of, pools

TYPICLUST = typiclust.STRATEGY


def select(pool: ArrayPool | Reordered, size: int, seed: int = 1) -> Picks:
    return TYPICLUST.select(pool, Ranked.of(np.empty(0, dtype="S16"), np.empty(0)), size, seed)


def groups(*sizes: int) -> ArrayPool:
    """Make well separated groups, each with its middle first."""
    draw = np.random.default_rng(3)
    middles = np.eye(len(sizes)) * 40
    rows = [
        np.concatenate([middle[None], middle + draw.normal(size=(size - 1, len(sizes)))])
        for middle, size in zip(middles, sizes, strict=True)
    ]
    return pool_of(np.concatenate(rows).tolist())


def numbers(picks: Picks, pool: ArrayPool) -> list[int]:
    order = hexadecimal(pool.images)
    return [order.index(each) for each in picks.images]


def test_clusters_covered_least_come_first_then_the_largest_and_those_of_outliers_last() -> None:
    clusters = np.array([0] * 6 + [1] * 8 + [2] * 7 + [3] * 2)
    typical = np.linspace(1, 2, len(clusters))
    chosen, before = typiclust.choose(clusters, typical, np.array([0, 1, 0, 0]), 6)
    assert clusters[chosen].tolist() == [2, 0, 1, 2, 0, 1]
    assert before.tolist() == [0, 0, 1, 1, 1, 2]
    assert chosen[:2].tolist() == [20, 5], "the most typical of each"
    everything, _ = typiclust.choose(clusters, typical, np.array([0, 1, 0, 0]), 50)
    assert clusters[everything[-2:]].tolist() == [3, 3], "a cluster of two is of outliers"
    assert sorted(everything.tolist()) == list(range(len(clusters)))


def test_typicality_is_the_inverse_of_the_mean_distance_to_the_neighbours() -> None:
    # One cluster of two opposite directions, of three images and of one: 0 apart, and 2 from the other.
    pool = pool_of([[1.0], [1.0], [1.0], [-3.0]])
    ranked = TYPICLUST.rank(pool, 1, 1)
    scores = dict(zip(hexadecimal(ranked.images), ranked.scores.tolist(), strict=True))
    assert scores[image(0)] == pytest.approx(1 / (2 / 3), rel=1e-2), "0, 0 and 2 away: 2/3 in the mean"
    assert scores[image(3)] == pytest.approx(1 / 2, rel=1e-2)


def test_every_group_is_represented_and_the_largest_comes_first() -> None:
    pool = groups(30, 10, 20)
    picks = select(pool, 3)
    group = np.repeat([0, 1, 2], [30, 10, 20])
    assert [int(group[number]) for number in numbers(picks, pool)] == [0, 2, 1]
    assert picks.picks[0].why.endswith("which has 30 images and 0 labelled, in flight or chosen.")


def test_of_a_sample_clusters_are_told_as_parts_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typiclust, "SAMPLE_MOST", 20)
    (pick,) = select(groups(30, 10), 1).picks
    assert "which has 20 images of the 20 sampled and 0 labelled" in pick.why


def test_a_group_that_labels_cover_waits() -> None:
    pool = groups(30, 10, 20)
    assert pool.features is not None
    picks = select(replace(pool, covering=pool.features[:1]), 2)
    group = np.repeat([0, 1, 2], [30, 10, 20])
    assert 0 not in [int(group[number]) for number in numbers(picks, pool)]


def test_rows_that_are_not_numbers_are_left_out_and_counted() -> None:
    pool = pool_of([[0.0], [math.nan], [1.0], [math.inf], [9.0]])
    assert TYPICLUST.rank(pool, 2, 1).left_out == 2
    picks = select(pool, 4)
    assert set(picks.images) == {image(0), image(2), image(4)}
    assert picks.shortfall.endswith("2 have no finite score or features")


@pytest.mark.parametrize("rows", [[], [[math.nan]] * 3])
def test_a_pool_of_which_nothing_can_be_used_gives_an_empty_batch(rows: list[list[float]]) -> None:
    pool = replace(pool_of(rows), covering=np.ones((2, 1), dtype=np.float16))
    assert len(select(pool, 2)) == 0
    assert len(TYPICLUST.rank(pool, 2, 1)) == 0


@given(pools(), st.integers(1, 12), st.booleans(), st.integers(0, 2**64 - 1))
@settings(max_examples=40, deadline=None)
def test_order_and_cuts_do_not_matter_nothing_comes_twice_and_the_batch_is_full(
    both: tuple[ArrayPool, Reordered], size: int, sampled: bool, seed: int
) -> None:
    pool, reordered = both
    with pytest.MonkeyPatch.context() as patch:
        if sampled:
            for name in ("SAMPLE_MOST", "SAMPLE_EACH", "_TOGETHER"):
                patch.setattr(typiclust, name, 5)
        there, here = TYPICLUST.rank(pool, size, seed), TYPICLUST.rank(reordered, size, seed)
        picks = select(pool, size, seed)
        assert picks == select(reordered, size, seed), "the order in which the pool was read changed it"
    assert there.images.tobytes() == here.images.tobytes()
    assert there.scores.tobytes() == here.scores.tobytes()
    assert sorted(hexadecimal(there.images)) == sorted(hexadecimal(pool.images))
    assert len(set(picks.images)) == len(picks)
    assert len(picks) == min(size, len(pool.images), 5 if sampled else size)


def test_wide_features_are_ranked_alike_to_the_last_bit_wherever_the_pool_is_cut(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    draw = np.random.default_rng(5)
    pool = pool_of(np.abs(draw.normal(size=(700, 96))).tolist())
    cut = Reordered(pool, draw.permutation(700).tolist(), [1, 2, 5, 300, 301, 699])
    monkeypatch.setattr(typiclust, "SAMPLE_MOST", 100)
    monkeypatch.setattr(typiclust, "_TOGETHER", 64)
    there, here = TYPICLUST.rank(pool, 6, 9), TYPICLUST.rank(cut, 6, 9)
    assert there.scores.tobytes() == here.scores.tobytes()
