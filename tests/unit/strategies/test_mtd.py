import math
from dataclasses import replace

import numpy as np
import pytest

from aloft import strategies
from aloft.strategies.pool import ArrayPool, Earlier, Known, hexadecimal
from tests.unit.strategies.pools import image, pool_of

MTD = strategies.load("mtd")


def logit(p: float) -> float:
    return math.log(p / (1 - p))


def pool(now: list[list[float]], labels: tuple[str, ...], before: Earlier | None = None) -> ArrayPool:
    made = pool_of([[1.0]] * len(now), [[logit(p) for p in row] for row in now])
    return replace(made, known=Known(labels, (0,) * len(labels)), before=before)


def earlier(said: list[list[float]], labels: tuple[str, ...], rows: int = 2) -> Earlier:
    made = pool_of([[1.0]] * len(said), [[logit(p) for p in row] for row in said])
    return Earlier(labels, replace(made, rows=rows).blocks)


def scores(of: ArrayPool) -> dict[str, float]:
    ranked = MTD.rank(of, 2, 1)
    return dict(zip(hexadecimal(ranked.images), ranked.scores.tolist(), strict=True))


def test_it_is_how_far_the_probabilities_have_moved() -> None:
    before = earlier([[0.2, 0.5], [0.9, 0.9], [0.5, 0.5]], ("river", "road"))
    found = scores(pool([[0.5, 0.9], [0.9, 0.9], [0.5, 0.2]], ("river", "road"), before))
    # (0.3, 0.4) is 0.5 long.
    assert found == pytest.approx({image(0): 0.5, image(1): 0.0, image(2): 0.3}, abs=2e-5)
    assert found[image(1)] == 0, "what has not moved has not moved at all"


def test_labels_are_matched_by_name_and_those_of_one_version_do_not_count() -> None:
    before = earlier([[0.9, 0.2]], ("gone", "river"))
    assert scores(pool([[0.1, 0.7]], ("new", "river"), before)) == pytest.approx({image(0): 0.5}, abs=2e-5)


def test_images_that_the_older_version_lacks_or_said_no_numbers_of_are_counted_and_left_out() -> None:
    before = earlier([[0.5], [0.5]], ("river",))
    made = pool([[0.5], [0.9], [0.5], [0.5]], ("river",), before)
    ranked = MTD.rank(made, 2, 1)
    assert hexadecimal(ranked.images) == [image(1), image(0)]
    assert ranked.left_out == 2
    assert made.logits is not None
    made.logits[1] = math.nan
    assert MTD.rank(made, 2, 1).left_out == 3
    picks = MTD.select(made, ranked, 3, 1)
    assert picks.shortfall.endswith("and 2 have no finite score or features")


def test_images_that_only_the_older_version_has_do_no_harm() -> None:
    before = earlier([[0.2], [0.5], [0.5], [0.5], [0.5]], ("river",), rows=1)
    assert scores(pool([[0.5]], ("river",), before)) == pytest.approx({image(0): 0.3}, abs=2e-5)


@pytest.mark.parametrize("before", [None, earlier([[0.5]] * 3, ("other",))], ids=["none", "no common label"])
def test_without_a_version_to_compare_with_it_is_mge(before: Earlier | None) -> None:
    made = pool([[0.5], [0.1], [0.7]], ("river",), before)
    there, here = MTD.rank(made, 2, 1), strategies.load("mge").rank(made, 2, 1)
    assert there.images.tobytes() == here.images.tobytes()
    assert there.scores.tobytes() == here.scores.tobytes()


def test_an_older_version_that_saw_nothing_leaves_out_everything() -> None:
    ranked = MTD.rank(pool([[0.5]], ("river",), Earlier(("river",), lambda: iter(()))), 2, 1)
    assert (len(ranked), ranked.left_out) == (0, 1)


def test_what_the_older_version_is_held_in_changes_a_score_by_less_than_a_step() -> None:
    draw = np.random.default_rng(4)
    now, then = draw.uniform(0.01, 0.99, (2, 300, 3))
    labels = ("a", "b", "c")
    found = scores(pool(now.tolist(), labels, earlier(then.tolist(), labels)))
    exact = np.linalg.norm(now - then, axis=1)
    assert max(abs(found[image(row)] - exact[row]) for row in range(300)) < 3e-5
