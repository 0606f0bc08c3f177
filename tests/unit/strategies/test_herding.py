import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from aloft.strategies import herding
from aloft.strategies.directions import Directions
from aloft.strategies.pool import ArrayPool, hexadecimal
from aloft.strategies.seeds import uniform
from aloft.strategies.strategy import Picks, Ranked
from tests.unit.strategies import plain
from tests.unit.strategies.pools import Reordered, image, pool_of, pools

HERDING = herding.STRATEGY


def select(pool: ArrayPool | Reordered, size: int, seed: int = 1) -> Picks:
    return HERDING.select(pool, Ranked.of(np.empty(0, dtype="S16"), np.empty(0)), size, seed)


def targets(count: int, width: int, covered: int, chance: int, equal: bool = True) -> herding.Targets:
    draw = np.random.default_rng(chance)
    features = draw.normal(size=(count + covered, width)).astype(np.float32)
    weights = np.ones(count) if equal else draw.exponential(size=count)
    return herding.Targets.of(features[:count], weights, features[count:])


def greedy(to_cover: herding.Targets, size: int) -> tuple[list[int], list[float]]:
    """Choose by asking for every gain at every step, in double precision."""
    squared = np.asarray(to_cover.directions.squared(to_cover.rows, to_cover.rows), dtype=np.float64)
    near = np.rint(np.minimum(np.exp(-squared / (2 * to_cover.sigma**2)), 1) * 65535)
    reached = to_cover.reached.astype(np.float64)
    chosen: list[int] = []
    gained: list[float] = []
    for _ in range(size):
        gains = np.maximum(near - reached, 0) @ to_cover.weights
        gains[chosen] = -1
        chosen.append(int(np.argmax(gains)))
        gained.append(float(gains[chosen[-1]] / to_cover.most))
        reached = np.maximum(reached, near[chosen[-1]])
    return chosen, gained


@pytest.mark.parametrize("equal", [True, False], ids=["the pool", "what is uncertain"])
@pytest.mark.parametrize("covered", [0, 7])
def test_it_picks_what_the_plain_greedy_choice_picks(covered: int, equal: bool) -> None:
    for chance in range(5):
        to_cover = targets(200, 6, covered, chance, equal)
        expected, gains = greedy(to_cover, 25)
        chosen, gained = herding.choose(to_cover, 25)
        # The kernel is rounded in single precision here and in double there: values may differ, hardly picks.
        np.testing.assert_allclose(gained, gains, rtol=1e-3, atol=1e-7)
        assert chosen.tolist() == expected, f"seed {chance}"


def test_a_gain_never_grows_and_their_sum_is_the_objective() -> None:
    to_cover = targets(150, 5, 0, 3, equal=False)
    _, gains = herding.choose(to_cover, 150)
    assert (np.diff(gains) <= 1e-12).all()
    assert gains.sum() == pytest.approx(1, abs=1e-4), "with every image chosen everything is covered"


def test_the_greedy_batch_is_worth_most_of_the_best_one() -> None:
    from itertools import combinations

    to_cover = targets(10, 3, 0, 4)
    near = to_cover.kernel(to_cover.rows).astype(np.float64)
    best = max(near[list(batch)].max(axis=0).sum() for batch in combinations(range(10), 3)) / to_cover.most
    assert herding.choose(to_cover, 3)[1].sum() >= (1 - 1 / math.e) * best


def test_by_hand_the_larger_of_two_groups_is_covered_first() -> None:
    # Centred, three images point one way and two the other: picking one of the three covers 3/5 at once.
    pool = pool_of([[2.0]] * 3 + [[-3.0]] * 2)
    picks = select(pool, 3)
    assert picks.images[0] == min(image(0), image(1), image(2))
    assert picks.images[1] == min(image(3), image(4))
    assert picks.picks[0].score == pytest.approx(3 / 5, abs=0.1)
    assert picks.picks[1].why.startswith("Raises the coverage of the pool by ")
    assert picks.picks[2].why == "Fills the batch: the pool is covered as far as it can be."


def test_what_is_covered_is_not_covered_again() -> None:
    pool = replace(pool_of([[2.0]] * 3 + [[-3.0]] * 2), covering=np.array([[2.0]], dtype=np.float16))
    assert select(pool, 1).images == (min(image(3), image(4)),)


def test_after_a_score_what_is_uncertain_is_covered_first() -> None:
    pool = pool_of([[2.0]] * 3 + [[-3.0]] * 2)
    ranked = Ranked.of(pool.images, np.array([0.1, 0.1, 0.1, 1.0, 1.0]))
    picks = herding.select(pool, ranked, 1, 1)
    assert picks.images == (min(image(3), image(4)),), (
        "two that are uncertain weigh more than three that are not"
    )
    assert "the coverage of what is uncertain in the pool" in picks.picks[0].why


def test_scores_below_zero_count_from_the_least() -> None:
    pool = pool_of([[2.0]] * 3 + [[-3.0]] * 2)
    ranked = Ranked.of(pool.images, np.array([-5.0, -5.0, -5.0, -4.0, -4.0]))
    assert herding.select(pool, ranked, 1, 1).images == (min(image(3), image(4)),)


def test_a_priority_sample_estimates_sums_without_bias_and_keeps_what_weighs_most() -> None:
    images = plain.numbered(400)
    weights = np.random.default_rng(1).pareto(1.2, size=400) + 0.01
    estimates = [herding._priority(images, weights, 60, seed)[1].sum() for seed in range(400)]
    assert np.mean(estimates) == pytest.approx(weights.sum(), rel=0.03)
    kept, _ = herding._priority(images, weights, 60, 3)
    assert images[weights.argmax()] in kept
    assert (uniform(images, 3) < 1).all()


def test_the_score_is_the_gain_of_being_first() -> None:
    pool = pool_of(np.random.default_rng(2).normal(size=(60, 4)).tolist())
    ranked = HERDING.rank(pool, 5, 1)
    picks = select(pool, 1)
    assert hexadecimal(ranked.images)[0] == picks.images[0]
    assert ranked.scores[0] == picks.picks[0].score


@given(pools(), st.integers(1, 12), st.booleans(), st.integers(0, 2**64 - 1))
@settings(max_examples=40, deadline=None)
def test_order_and_cuts_do_not_matter_nothing_comes_twice_and_the_batch_is_full(
    both: tuple[ArrayPool, Reordered], size: int, sampled: bool, seed: int
) -> None:
    pool, reordered = both
    with pytest.MonkeyPatch.context() as patch:
        if sampled:
            patch.setattr(herding, "SAMPLE", 5)
            patch.setattr(herding, "RANK_TARGETS", 3)
        there, here = HERDING.rank(pool, size, seed), HERDING.rank(reordered, size, seed)
        picks = select(pool, size, seed)
        assert picks == select(reordered, size, seed), "the order in which the pool was read changed it"
        after = herding.select(pool, there, size, seed)
        assert after == herding.select(reordered, here, size, seed)
    assert there.images.tobytes() == here.images.tobytes()
    assert there.scores.tobytes() == here.scores.tobytes()
    assert sorted(hexadecimal(there.images)) == sorted(hexadecimal(pool.images))
    for batch in (picks, after):
        assert len(set(batch.images)) == len(batch) == min(size, len(pool.images))


def test_wide_features_are_ranked_alike_to_the_last_bit_wherever_the_pool_is_cut(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    draw = np.random.default_rng(5)
    pool = pool_of(np.abs(draw.normal(size=(700, 96))).tolist())
    cut = Reordered(pool, draw.permutation(700).tolist(), [1, 2, 5, 300, 301, 699])
    monkeypatch.setattr(herding, "SAMPLE", 100)
    there, here = HERDING.rank(pool, 6, 9), HERDING.rank(cut, 6, 9)
    assert there.scores.tobytes() == here.scores.tobytes()


def test_products_of_directions_are_exact_however_they_are_summed() -> None:
    features: NDArray[np.float32] = np.random.default_rng(1).normal(size=(60, 700)).astype(np.float32)
    features[:, 0] *= 1000
    directions = Directions.about_mean(features)
    rows = directions.of(features)
    whole_numbers = rows.astype(np.int64)
    assert (whole_numbers == rows).all()
    assert (np.square(whole_numbers).sum(axis=1) <= 2**24).all()
    np.testing.assert_array_equal(rows @ rows.T, whole_numbers @ whole_numbers.T)
    cosines = features - features.mean(axis=0)
    cosines /= np.linalg.norm(cosines, axis=1, keepdims=True)
    np.testing.assert_allclose(directions.squared(rows, rows), 2 - 2 * (cosines @ cosines.T), atol=2e-3)


def test_the_bandwidth_is_half_the_median_distance() -> None:
    directions = Directions(np.zeros(2, dtype=np.float32))
    rows = directions.of(np.array([[1, 0], [0, 1], [-1, 0]], dtype=np.float32))
    assert herding.bandwidth(directions, rows) == pytest.approx(math.sqrt(2) / 2, rel=1e-3)
    assert herding.bandwidth(directions, rows[:1]) == 1.0, "one image has no neighbours"
    assert herding.bandwidth(directions, np.zeros_like(rows)) == 1.0, "images that are all the same"


def test_rows_that_are_not_numbers_are_left_out_and_counted() -> None:
    pool = pool_of([[0.0], [math.nan], [1.0], [math.inf], [9.0]])
    assert HERDING.rank(pool, 2, 1).left_out == 2
    ranked = Ranked.of(pool.images, np.ones(5))
    for picks in (select(pool, 4), herding.select(pool, ranked, 4, 1)):
        assert set(picks.images) == {image(0), image(2), image(4)}
        assert picks.shortfall.endswith("2 have no finite score or features")


@pytest.mark.parametrize("rows", [[], [[math.nan]] * 3])
def test_a_pool_of_which_nothing_can_be_used_gives_an_empty_batch(rows: list[list[float]]) -> None:
    pool = replace(pool_of(rows), covering=np.ones((2, 1), dtype=np.float16))
    assert len(select(pool, 2)) == 0
    assert len(HERDING.rank(pool, 2, 1)) == 0
    assert len(herding.select(pool, Ranked.of(pool.images, np.ones(len(rows))), 2, 1)) == 0
