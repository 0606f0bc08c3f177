import math
from collections import Counter
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from aloft.strategies import badge, mge, seeding
from aloft.strategies.points import Cloud, Which
from aloft.strategies.pool import ArrayPool, hexadecimal
from aloft.strategies.stale import Stale
from aloft.strategies.strategy import Picks, Ranked
from tests.unit.strategies import plain
from tests.unit.strategies.pools import Reordered, image, pool_of, pools

BADGE = badge.STRATEGY


def select(pool: ArrayPool | Reordered, size: int, seed: int = 1) -> Picks:
    return BADGE.select(pool, Ranked.of(np.empty(0, dtype="S16"), np.empty(0)), size, seed)


def cloud(count: int, width: int, labels: int, chance: int) -> Cloud:
    draw = np.random.default_rng(chance)
    errors = draw.uniform(-0.5, 0.5, size=(count, labels)).astype(np.float32)
    return Cloud(plain.whole(draw.normal(size=(count, width))), errors)


def gradients(points: Cloud) -> NDArray[np.float64]:
    assert points.errors is not None
    return plain.gradients(points.images.features, points.errors)


def test_distances_of_factors_are_those_of_the_gradients_that_are_never_made() -> None:
    points = cloud(40, 9, 5, 1)
    there = points.take(np.arange(40))
    expected = plain.between(gradients(points))
    off = there.room * np.add.outer(there.reach, there.reach)
    assert (np.abs(there.squared(there) - expected) <= off).all(), "further off than single precision may be"
    row, column = np.indices((40, 40)).reshape(2, -1)
    exact = there[row].exactly(there[column]).reshape(40, 40)
    np.testing.assert_allclose(exact, expected, rtol=1e-12)
    assert (np.diag(exact) == 0).all()


def test_by_hand_two_labels_and_one_feature() -> None:
    # logits 0: p = ½ counts as said, so a = ½ − 1 = −½. z = 2: ‖g‖² = (¼ + ¼) · (2² + 1) = 2.5.
    picks = select(pool_of([[2.0]], [[0.0, 0.0]]), 1)
    assert picks.picks[0].score == pytest.approx(math.sqrt(2.5))
    assert picks.picks[0].why == "Drawn first, by the square of the length of its gradient: 1.581."


def test_the_residual_is_the_probability_less_what_is_predicted() -> None:
    logits = np.array([[0.0, 2.0, -2.0, 900.0, -900.0]])
    p = 1 / (1 + np.exp(-np.clip(logits, -700, 700)))
    np.testing.assert_allclose(badge.residuals(logits), p - (p >= 0.5), atol=1e-7)


@pytest.mark.parametrize("overhead", [0, 10**9], ids=["bounds go stale", "bounds are refreshed at once"])
def test_draws_follow_the_distribution_of_plain_k_means_plus_plus_seeding(
    overhead: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seeding, "_OVERHEAD", overhead)
    points = cloud(4, 3, 2, 5)
    rows = gradients(points)
    squared, lengths = plain.between(rows), np.square(rows).sum(axis=1)
    expected = {}
    for first, second, third in permutations(range(4), 3):
        chance = lengths[first] / lengths.sum() * squared[first, second] / squared[first].sum()
        left = np.minimum(squared[first], squared[second])
        expected[first, second, third] = chance * left[third] / left.sum()
    trials = 800
    drawn = Counter(tuple(seeding.draw(points, 3, seed)[0].tolist()) for seed in range(trials))
    chi = sum((drawn[key] - trials * each) ** 2 / (trials * each) for key, each in expected.items())
    # 24 orders: 23 degrees of freedom, of which chance exceeds 49.7 once in a thousand.
    assert chi < 49.7, f"χ² = {chi:.1f} against the plain sampler: {drawn}"


def test_what_is_said_of_a_draw_is_its_distance_from_those_before_it() -> None:
    points = cloud(300, 12, 4, 2)
    chosen, squared = seeding.draw(points, 30, 7)
    rows = gradients(points)
    for place in range(1, 30):
        nearest = np.square(rows[chosen[:place]] - rows[chosen[place]]).sum(axis=1).min()
        assert squared[place] == pytest.approx(nearest, rel=1e-9)
    assert squared[0] == pytest.approx(np.square(rows[chosen[0]]).sum(), rel=1e-5)


def test_most_draws_take_no_pass_over_all_points(monkeypatch: pytest.MonkeyPatch) -> None:
    passes = []
    refresh = Stale.refresh

    def counted(self: Stale, which: Which) -> None:
        passes.append(len(which))
        refresh(self, which)

    monkeypatch.setattr(Stale, "refresh", counted)
    seeding.draw(cloud(3000, 16, 3, 1), 200, 1)
    assert len(passes) < 50, f"{len(passes)} passes for 200 draws"


def test_it_is_ranked_by_the_length_of_the_gradient() -> None:
    pool = pool_of([[1.0]] * 3, [[3.0], [0.0], [-1.0]])
    there, here = BADGE.rank(pool, 2, 1), mge.rank(pool, 2, 1)
    assert hexadecimal(there.images) == hexadecimal(here.images) == [image(1), image(2), image(0)]
    assert there.scores.tolist() == here.scores.tolist()


def test_images_whose_gradients_are_all_the_same_fill_the_batch_and_say_so() -> None:
    picks = select(pool_of([[3.0, 4.0]] * 6, [[1.0]] * 6), 4)
    assert len(set(picks.images)) == 4
    assert picks.picks[0].why.startswith("Drawn first")
    assert all(pick.why.startswith("Fills the batch: the gradient of every") for pick in picks.picks[1:])
    certain = select(pool_of([[1.0]] * 4, [[900.0]] * 4), 3)
    assert list(certain.images) == sorted(image(number) for number in range(4))[:3]


def test_gradients_too_short_for_single_precision_fill_the_batch_and_say_so() -> None:
    pool = replace(pool_of([[1.0], [2.0], [3.0]]), logits=np.full((3, 2), -60, dtype=np.float32))
    picks = select(pool, 2)
    assert len(picks) == 2
    assert all("too short to be told from 0" in pick.why for pick in picks.picks)


def test_rows_and_logits_that_are_not_numbers_are_left_out_and_counted() -> None:
    pool = pool_of([[0.0], [math.nan], [1.0], [2.0]], [[0.0], [1.0], [math.inf], [0.5]])
    picks = select(pool, 3)
    assert set(picks.images) == {image(0), image(3)}
    assert picks.shortfall.endswith("2 have no finite score or features")
    assert len(select(pool_of([[math.nan]] * 2, [[0.0]] * 2), 2)) == 0


@given(pools(labels=2), st.integers(1, 12), st.integers(0, 2**64 - 1))
@settings(max_examples=50, deadline=None)
def test_order_and_cuts_do_not_matter_nothing_comes_twice_and_the_batch_is_full(
    both: tuple[ArrayPool, Reordered], size: int, seed: int
) -> None:
    pool, reordered = both
    picks = select(pool, size, seed)
    assert picks == select(reordered, size, seed), "the order in which the pool was read changed the batch"
    assert len(set(picks.images)) == len(picks) == min(size, len(pool.images))


def test_another_seed_draws_another_batch() -> None:
    draw = np.random.default_rng(5)
    pool = pool_of(draw.normal(size=(200, 4)).tolist(), draw.normal(size=(200, 3)).tolist())
    assert select(pool, 10, 1) != select(pool, 10, 2)


@pytest.mark.parametrize("missing", ["features", "logits"])
def test_a_pool_opened_without_what_it_reads_is_refused(missing: str) -> None:
    pool = pool_of([[0.0]], [[0.0]])
    lesser = ArrayPool(
        pool.images,
        None if missing == "features" else pool.features,
        pool.norms,
        None if missing == "logits" else pool.logits,
    )
    with pytest.raises(TypeError, match=f"reads {missing}"):
        select(lesser, 1)
