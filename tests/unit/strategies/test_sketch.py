import numpy as np
import pytest
from numpy.typing import NDArray

from aloft.strategies import sketch
from aloft.strategies.points import Cloud, Points
from aloft.strategies.sketch import Sketch
from tests.unit.strategies import plain


def rows(kind: str, count: int, width: int) -> NDArray[np.float64]:
    draw = np.random.default_rng(width)
    if kind == "along few axes":
        return draw.normal(size=(count, 3)) @ draw.normal(size=(3, width))
    if kind == "far from nought":
        return 300 + draw.normal(size=(count, width)) / 10
    if kind == "all the same":
        return np.full((count, width), 0.7)
    return draw.normal(size=(count, width)) * 10.0 ** draw.integers(-3, 3, size=(count, 1))


def apart(points: Points, others: Points) -> NDArray[np.float64]:
    """Compute d² of every pair from the gradients themselves, or from the features where there are none."""
    here, there = (
        each.features if each.errors is None else plain.gradients(each.features, each.errors)
        for each in (points, others)
    )
    return np.asarray(np.square(here[:, None].astype(np.float64) - there).sum(axis=2))


KINDS = pytest.mark.parametrize("kind", ["along few axes", "far from nought", "all the same", "noise"])
WIDTHS = pytest.mark.parametrize("width", [1, 7, 200])


@pytest.mark.parametrize("labels", [0, 5], ids=["features", "gradients"])
@KINDS
@WIDTHS
def test_no_bound_is_below_the_distance_to_the_nearest_centre(
    kind: str, width: int, labels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sketch, "_CENTRES", 4)
    draw = np.random.default_rng(1)
    errors = draw.uniform(-0.5, 0.5, size=(300, labels)).astype(np.float32) if labels else None
    cloud = Cloud(plain.whole(rows(kind, 300, width)), errors)
    beyond = (rows("noise", 5, width) + rows(kind, 5, width)).astype(np.float32)
    centres = Points.of(beyond, None if errors is None else errors[:5])
    made = sketch.of(cloud, centres, 9)
    upper = np.full(300, np.inf, dtype=np.float32)
    made.shrink(np.arange(0, 300, 2), upper)
    assert np.isinf(upper[1::2]).all(), "points were held against centres that nobody asked for"
    for pick in range(9):
        made.add(pick)
        made.shrink(np.arange(pick, 300), upper)
    made.shrink(np.arange(300), upper)
    everything, nine = cloud.take(np.arange(300)), cloud.take(np.arange(9))
    true = np.concatenate([apart(everything, centres), apart(everything, nine)], axis=1)
    assert (upper >= true.min(axis=1)).all()
    # The nearest it names may be another than the nearest: it is a centre, and what it bounds.
    assert (upper >= true[np.arange(300), made.nearest]).all()


@pytest.mark.parametrize("labels", [0, 5], ids=["features", "gradients"])
@WIDTHS
def test_bounds_are_near_the_distances_where_the_axes_leave_nothing(width: int, labels: int) -> None:
    draw = np.random.default_rng(1)
    errors = draw.uniform(-0.5, 0.5, size=(300, labels)).astype(np.float32) if labels else None
    cloud = Cloud(plain.whole(rows("along few axes", 300, width)), errors)
    made = sketch.of(cloud, cloud.none, 9)
    upper = np.full(300, np.inf, dtype=np.float32)
    for pick in range(9):
        made.add(pick)
    made.shrink(np.arange(300), upper)
    true = apart(cloud.take(np.arange(300)), cloud.take(np.arange(9))).min(axis=1)
    np.testing.assert_allclose(upper, true, rtol=0.1, atol=0.1 * true.max())


@KINDS
@WIDTHS
def test_the_nearest_to_a_point_is_among_those_that_may_be(kind: str, width: int) -> None:
    cloud = Cloud(plain.whole(rows(kind, 300, width)))
    made = Sketch(cloud, cloud.none, 0)
    everything = cloud.take(np.arange(300))
    middle = everything.features.mean(axis=0)
    for point in (middle, everything.features[5]):
        distances = apart(everything, Points.of(point.reshape(1, -1)))[:, 0]
        near = made.near(point)
        assert set(np.flatnonzero(distances == distances.min())) <= set(near.tolist())
    if kind == "along few axes":
        assert len(made.near(middle)) < 100, "what cannot be the nearest was not told from what may be"
