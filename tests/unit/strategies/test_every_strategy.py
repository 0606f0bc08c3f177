"""What holds for every strategy there is. A new one is covered by being registered."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aloft import strategies
from aloft.strategies.entry import Kind
from aloft.strategies.pool import ArrayPool, Pool, hexadecimal, ids
from aloft.strategies.strategy import Picks, Ranked
from tests.unit.strategies.opened import Opened, pool_with_everything, relabelled, reordered


def expressions() -> list[str]:
    """Write each name of the catalogue where it may be: alone, in each wrapper, and before each diversity."""
    found = [one.name for one in strategies.entries() if one.kind is Kind.ALONE and one.name != "auto"]
    for score in (one for one in strategies.entries() if one.kind is Kind.SCORE):
        found.append(score.name)
        found += [f"{name}({score.name})" for name in score.wrappers if name != score.wrapper]
    found += [f"mge+{one.name}" for one in strategies.entries() if one.kind is Kind.DIVERSITY]
    return [*found, "class_balanced(margin)+herding"]


EVERY = pytest.mark.parametrize("expression", expressions())
CHANCE = st.integers(0, 2**32)


def rank(expression: str, pool: Pool, size: int, seed: int = 1) -> Ranked:
    strategy = strategies.load(expression)
    return strategy.rank(Opened(pool, strategy.needs), size, seed)


def choose(expression: str, pool: Pool, size: int, seed: int = 1) -> Picks:
    strategy = strategies.load(expression)
    opened = Opened(pool, strategy.needs)
    return strategy.select(opened, strategy.rank(opened, size, seed), size, seed)


def usable(expression: str, pool: ArrayPool) -> set[str]:
    """Name the images of which everything that the strategy reads is a finite number."""
    needs = strategies.needs(expression)
    fine = np.ones(len(pool.images), dtype=bool)
    assert pool.features is not None
    assert pool.logits is not None
    assert pool.norms is not None
    if needs.features or needs.candidates:
        fine &= np.isfinite(pool.features).all(axis=1)
    if needs.logits:
        fine &= np.isfinite(pool.logits).all(axis=1)
    for name in needs.columns:
        fine &= np.isfinite(pool.columns[name])
    return set(hexadecimal(pool.images[fine]))


def spoil(pool: ArrayPool) -> ArrayPool:
    """Put what is no finite number into some rows of each column, not the same ones."""
    assert pool.features is not None
    assert pool.logits is not None
    assert pool.norms is not None
    pool.features[::5, 1] = np.nan
    pool.norms[::5] = np.nan
    pool.logits[1::5, 0] = np.inf
    for column in pool.columns.values():
        column[2::5] = np.nan
    return pool


@EVERY
@given(st.integers(1, 40), st.integers(1, 12), CHANCE)
@settings(max_examples=12, deadline=None)
def test_neither_the_order_of_the_pool_nor_its_cuts_matter_to_the_last_bit(
    expression: str, images: int, size: int, chance: int
) -> None:
    pool = pool_with_everything(images, chance)
    there, here = (rank(expression, each, size, chance) for each in (pool, reordered(pool, chance)))
    assert there.images.tobytes() == here.images.tobytes(), "another order changed the ranking"
    assert there.scores.tobytes() == here.scores.tobytes(), "another order changed scores"
    assert choose(expression, pool, size, chance) == choose(
        expression, reordered(pool, chance), size, chance
    ), "another order changed the batch"


@EVERY
@given(st.integers(1, 30), st.integers(1, 40), CHANCE)
@settings(max_examples=12, deadline=None)
def test_the_batch_is_full_or_says_why_and_nothing_comes_twice(
    expression: str, images: int, size: int, chance: int
) -> None:
    pool = pool_with_everything(images, chance)
    picks = choose(expression, pool, size, chance)
    assert len(picks) == min(size, images), "the pool had more to give"
    assert len(set(picks.images)) == len(picks), "an image was picked twice"
    assert set(picks.images) <= set(hexadecimal(pool.images)), "an image was picked that is not in the pool"
    assert bool(picks.shortfall) == (images < size), f"it says {picks.shortfall!r}"
    assert all(pick.why.endswith(".") for pick in picks.picks), "a pick has no sentence that says why"
    assert all(np.isfinite(pick.score) for pick in picks.picks), "a pick has no score"


@EVERY
def test_a_ranking_has_each_image_once_the_best_first_and_ties_in_order_of_id(expression: str) -> None:
    ranked = rank(expression, pool_with_everything(60, 3), 5)
    rows = list(zip((-ranked.scores).tolist(), ranked.images.tolist(), strict=True))
    assert rows == sorted(rows)
    assert len(set(hexadecimal(ranked.images))) == 60


@EVERY
def test_the_same_seed_gives_the_same_batch(expression: str) -> None:
    pool = pool_with_everything(50, 4, coarse=False)
    assert choose(expression, pool, 6, 9) == choose(expression, pool, 6, 9)


@EVERY
def test_the_order_of_the_labels_does_not_matter(expression: str) -> None:
    pool = pool_with_everything(80, 5, coarse=False)
    other = relabelled(pool, [2, 0, 1])
    there, here = rank(expression, pool, 6), rank(expression, other, 6)
    assert hexadecimal(there.images) == hexadecimal(here.images)
    np.testing.assert_allclose(there.scores, here.scores, rtol=1e-9)
    assert choose(expression, pool, 6).images == choose(expression, other, 6).images


@EVERY
def test_what_may_not_be_sent_out_is_not_picked(expression: str) -> None:
    pool = pool_with_everything(40, 6)
    strategy = strategies.load(expression)
    ranked = strategy.rank(Opened(pool, strategy.needs), 5, 1)
    out = np.sort(pool.images[::2])
    left = replace(pool, rows=5)
    kept = np.isin(left.images, out, invert=True)
    less = ArrayPool(
        pool.images[kept],
        None if pool.features is None else pool.features[kept],
        None if pool.norms is None else pool.norms[kept],
        None if pool.logits is None else pool.logits[kept],
        columns={name: column[kept] for name, column in pool.columns.items()},
        known=pool.known,
        covering=pool.covering,
        before=pool.before,
    )
    picks = strategy.select(Opened(less, strategy.needs), ranked.without(out), 20, 1)
    assert set(picks.images) == set(hexadecimal(less.images)), "twenty were left and twenty were asked for"


@EVERY
def test_what_is_no_finite_number_is_left_out_and_counted(expression: str) -> None:
    pool = spoil(pool_with_everything(40, 7))
    fine = usable(expression, pool)
    ranked = rank(expression, pool, 6)
    assert len(ranked) + ranked.left_out == 40, "an image is neither ranked nor counted"
    picks = choose(expression, pool, 40)
    assert set(picks.images) <= fine, "an image was picked of which something read is no number"
    assert len(picks) < 40 if len(fine) < 40 else len(picks) == 40
    assert ("no finite score or features" in picks.shortfall) == (len(fine) < 40), picks.shortfall


@EVERY
def test_images_that_all_look_alike_still_fill_a_batch(expression: str) -> None:
    pool = pool_with_everything(12, 8)
    assert pool.features is not None
    assert pool.logits is not None
    pool.features[:] = 1
    pool.logits[:] = 0.5
    picks = choose(expression, pool, 5)
    assert len(set(picks.images)) == 5
    assert picks == choose(expression, reordered(pool, 1), 5)


@EVERY
def test_one_label_is_enough(expression: str) -> None:
    assert len(choose(expression, pool_with_everything(12, 9, labels=1), 5)) == 5


@EVERY
def test_nothing_labelled_yet_is_no_obstacle(expression: str) -> None:
    pool = replace(pool_with_everything(12, 10), covering=None, before=None)
    pool = replace(pool, known=replace(pool.known, positives=(0, 0, 0), labelled=0))
    assert len(choose(expression, pool, 5)) == 5


@EVERY
def test_an_empty_pool_gives_an_empty_batch_that_says_why(expression: str) -> None:
    covering = np.ones((3, 8), dtype=np.float16)
    empty = ArrayPool(ids([]), known=pool_with_everything(1, 1).known, covering=covering)
    assert len(rank(expression, empty, 5)) == 0
    picks = choose(expression, empty, 5)
    assert len(picks) == 0
    assert picks.shortfall.startswith("0 of 5 images")


@EVERY
def test_it_is_loaded_under_its_own_name_with_the_needs_that_the_catalogue_has(expression: str) -> None:
    strategy = strategies.load(expression)
    assert strategy.name == strategies.canonical(expression) == expression
    assert strategy.needs == strategies.needs(expression)
