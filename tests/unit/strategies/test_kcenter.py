import math
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from aloft.strategies import farthest, kcenter, points, stale, whole
from aloft.strategies.pool import ArrayPool, hexadecimal
from aloft.strategies.strategy import Picks, Ranked
from tests.unit.strategies import plain
from tests.unit.strategies.pools import Reordered, image, pool_of, pools

KCENTER = kcenter.STRATEGY
NOTHING = Ranked.of(np.empty(0, dtype="S16"), np.empty(0))


def covering(pool: ArrayPool, *rows: list[float]) -> ArrayPool:
    return replace(pool, covering=np.array(rows, dtype=np.float16))


def select(pool: ArrayPool | Reordered, size: int) -> Picks:
    return KCENTER.select(pool, NOTHING, size, 1)


def test_the_farthest_from_what_is_covered_is_picked_and_then_the_farthest_from_both() -> None:
    # On a line: 0 is labelled and 9 is 9 away; then 4 is 4 from 0; then 8 and 1 are 1 from 9 and from 0.
    pool = covering(pool_of([[9.0], [4.0], [8.0], [1.0]]), [0.0])
    picks = select(pool, 3)
    assert picks.images == (image(0), image(1), min(image(2), image(3))), "ties go to the lower image id"
    assert [pick.score for pick in picks.picks] == [9.0, 4.0, 1.0]
    assert picks.picks[0].why == (
        "The image farthest from every image labelled, in flight or chosen before it: 9 away."
    )


def test_without_anything_covered_the_image_nearest_the_mean_comes_first() -> None:
    picks = select(pool_of([[0.0], [4.0], [5.0], [11.0]]), 2)
    assert picks.images == (image(2), image(3)), "the mean is 5, and 11 is 6 from it, 0 only 5"
    assert picks.picks[0].why == "Nearest to the mean of the pool: nothing is labelled or in flight yet."
    ranked = KCENTER.rank(pool_of([[0.0], [4.0], [5.0], [11.0]]), 2, 1)
    assert hexadecimal(ranked.images) == [image(2), image(1), image(0), image(3)]


def test_images_that_have_much_in_common_are_ranked_by_what_they_do_not() -> None:
    features = np.random.default_rng(4).normal(10, 0.05, size=(300, 512)).astype(np.float16)
    pool = pool_of(features.tolist())
    exact = features.astype(np.float64)
    distances = np.linalg.norm(exact - exact.mean(axis=0), axis=1)
    order = sorted(range(300), key=lambda number: (distances[number], image(number)))
    ranked = KCENTER.rank(pool, 1, 1)
    assert -ranked.scores == pytest.approx(distances[order], rel=1e-5)


def test_images_that_are_all_alike_take_no_memory_for_their_pairs() -> None:
    pool = replace(
        pool_of(np.full((256, 128), 0.5).tolist()), covering=np.full((400, 128), 0.5, dtype=np.float16)
    )
    tracemalloc.start()
    try:
        ranked = KCENTER.rank(pool, 1, 1)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert ranked.scores.tolist() == [0] * 256
    assert peak < 16 << 20, "all pairs were measured at once: 100 MB a table"


def test_the_mean_of_a_large_pool_is_that_of_the_images_with_the_lowest_ids(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(whole, "ROWS", 2)
    monkeypatch.setattr(kcenter, "ROWS", 2)
    monkeypatch.setattr(kcenter, "_SAMPLE", 4)
    values = [0.0, 4.0, 5.0, 11.0, 500.0, 900.0]
    pool = pool_of([[value] for value in values])
    first = sorted(range(6), key=image)[:4]
    mean = sum(values[number] for number in first) / 4
    nearest = min(range(6), key=lambda number: abs(values[number] - mean))
    assert select(pool, 1).images == (image(nearest),)
    assert hexadecimal(KCENTER.rank(pool, 1, 1).images)[0] == image(nearest)


def test_the_score_is_the_distance_to_the_nearest_that_is_covered() -> None:
    pool = covering(pool_of([[9.0, 0.0], [4.0, 3.0], [0.0, 1.0]]), [0.0, 0.0], [9.0, 2.0], [math.nan, 0.0])
    ranked = KCENTER.rank(pool, 2, 1)
    assert hexadecimal(ranked.images) == [image(1), image(0), image(2)]
    assert ranked.scores.tolist() == [5.0, 2.0, 1.0]


def clouds(kind: str, count: int, width: int, draw: np.random.Generator) -> NDArray[np.float64]:
    if kind == "clusters":
        middles = draw.normal(size=(12, width)) * 4
        return middles[draw.integers(12, size=count)] + draw.normal(size=(count, width))
    if kind == "a lattice":
        return draw.integers(-1, 2, size=(count, width)).astype(np.float64)
    if kind == "repeats":
        return draw.normal(size=(count // 7 + 1, width))[draw.integers(count // 7 + 1, size=count)]
    if kind == "one image":
        return np.full((count, width), 3.3)
    return draw.normal(size=(count, width))


@pytest.mark.parametrize("kind", ["noise", "clusters", "a lattice", "repeats", "one image"])
@pytest.mark.parametrize(("active", "rows"), [(1, 16), (16, 64), (1024, 1024)])
def test_it_picks_what_the_plain_loop_picks(
    kind: str, active: int, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Few active points and small steps take every way through the code that a large pool takes.
    monkeypatch.setattr(farthest, "ACTIVE", active)
    monkeypatch.setattr(farthest, "_HELD", 8 * active)
    monkeypatch.setattr(farthest, "_SORTED", 2 * active)
    for module in (farthest, stale, points):
        monkeypatch.setattr(module, "ROWS", rows)
    for seed in range(6):
        draw = np.random.default_rng(seed)
        width, size = int(draw.choice([1, 2, 7, 40])), int(draw.integers(1, 60))
        images = plain.whole(clouds(kind, int(draw.integers(1, 400)), width, draw))
        covered = clouds(kind, 5, width, draw)[: draw.choice([0, 1, 5])].astype(np.float32)
        chosen, radii = kcenter.choose(images, covered, size)
        expected, expected_radii = plain.farthest_first(images, covered, size)
        assert chosen.tolist() == expected, f"seed {seed}"
        np.testing.assert_array_equal(radii, expected_radii)


def test_few_points_are_brought_up_to_date(monkeypatch: pytest.MonkeyPatch) -> None:
    # Counts, not seconds: what makes it fast is that most points never hear of most centres.
    work = []
    refresh = stale.Stale.refresh

    def counted(self: stale.Stale, which: points.Which) -> None:
        work.append(int((self.count - self.seen[which]).sum()))
        refresh(self, which)

    monkeypatch.setattr(stale.Stale, "refresh", counted)
    monkeypatch.setattr(farthest, "ACTIVE", 64)
    monkeypatch.setattr(farthest, "ROWS", 64)
    draw = np.random.default_rng(1)
    images = plain.whole(clouds("clusters", 6000, 8, draw))
    kcenter.choose(images, np.empty((0, 8), dtype=np.float32), 100)
    assert sum(work) < 0.5 * 6000 * 100, f"{sum(work)} distances of 600000 were computed"


@given(pools(), st.integers(1, 12), st.booleans())
@settings(max_examples=50, deadline=None)
def test_order_and_cuts_do_not_matter_nothing_comes_twice_and_the_batch_is_full(
    both: tuple[ArrayPool, Reordered], size: int, some: bool
) -> None:
    pool, reordered = both
    assert pool.features is not None
    if some:
        pool = replace(pool, covering=pool.features[:2] + 1)
        reordered = replace(reordered, pool=pool)
    picks = select(pool, size)
    assert picks == select(reordered, size), "the order in which the pool was read changed the batch"
    assert len(set(picks.images)) == len(picks) == min(size, len(pool.images))
    there, here = KCENTER.rank(pool, size, 1), KCENTER.rank(reordered, size, 1)
    assert there.images.tobytes() == here.images.tobytes()
    assert there.scores.tobytes() == here.scores.tobytes()


def test_identical_images_fill_the_batch_by_id_and_say_so() -> None:
    picks = select(covering(pool_of([[3.0, 4.0]] * 6), [3.0, 4.0]), 4)
    assert list(picks.images) == sorted(image(number) for number in range(6))[:4]
    assert {pick.score for pick in picks.picks} == {0.0}
    assert picks.picks[0].why.startswith("Fills the batch: every image left is the same as one")


def test_rows_that_are_not_numbers_are_left_out_and_counted() -> None:
    pool = pool_of([[0.0], [math.nan], [1.0], [math.inf], [9.0]])
    assert KCENTER.rank(pool, 2, 1).left_out == 2
    picks = select(pool, 4)
    assert set(picks.images) == {image(0), image(2), image(4)}
    assert picks.shortfall.endswith("2 have no finite score or features")


@pytest.mark.parametrize("rows", [[], [[math.nan]] * 3])
def test_a_pool_of_which_nothing_can_be_used_gives_an_empty_batch(rows: list[list[float]]) -> None:
    assert len(select(pool_of(rows), 2)) == 0
    assert len(KCENTER.rank(pool_of(rows), 2, 1)) == 0


def test_after_a_score_only_its_best_are_candidates() -> None:
    pool = covering(pool_of([[float(number)] for number in range(20)]), [0.0])
    ranked = Ranked.of(pool.images, np.array([20.0 - number for number in range(20)]))
    picks = kcenter.select(pool, ranked, 2, 1, h=4)
    assert picks.images == (image(7), image(3)), "of 8 candidates, 0 to 7: 7, then 3 or 4, whichever is lower"
    assert len(kcenter.select(pool, ranked, 20, 1, h=4)) == 20
