import numpy as np
import pytest
from numpy.typing import NDArray

from aloft.strategies import sketch
from aloft.strategies.points import Cloud
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


def squared(cloud: Cloud, centres: NDArray[np.floating]) -> NDArray[np.float64]:
    points = cloud.images.take(np.arange(len(cloud))).astype(np.float64)
    apart: NDArray[np.float64] = np.square(points[:, None] - centres.astype(np.float64)).sum(axis=2)
    return apart


KINDS = pytest.mark.parametrize("kind", ["along few axes", "far from nought", "all the same", "noise"])
WIDTHS = pytest.mark.parametrize("width", [1, 7, 200])


@KINDS
@WIDTHS
def test_no_bound_is_below_the_distance_to_the_nearest_centre(
    kind: str, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sketch, "_CENTRES", 4)
    cloud = Cloud(plain.whole(rows(kind, 300, width)))
    centres = (rows("noise", 5, width) + rows(kind, 5, width)).astype(np.float32)
    made = Sketch(cloud, centres, 9)
    upper = np.full(300, np.inf, dtype=np.float32)
    made.shrink(np.arange(0, 300, 2), upper)
    assert np.isinf(upper[1::2]).all(), "points were held against centres that nobody asked for"
    for pick in range(9):
        made.add(pick)
    made.shrink(np.arange(300), upper)
    everything = np.concatenate([centres, cloud.images.take(np.arange(9))])
    true = squared(cloud, everything)
    assert (upper >= true.min(axis=1)).all()
    # The nearest it names may be another than the nearest: it is a centre, and what it bounds.
    assert (upper >= true[np.arange(300), made.nearest]).all()


@WIDTHS
def test_a_bound_is_near_the_distance_where_the_axes_leave_nothing(width: int) -> None:
    cloud = Cloud(plain.whole(rows("along few axes", 300, width)))
    made = Sketch(cloud, np.empty((0, width), dtype=np.float32), 1)
    made.add(17)
    upper = np.full(300, np.inf, dtype=np.float32)
    made.shrink(np.arange(300), upper)
    true = squared(cloud, cloud.images.take(np.array([17])))[:, 0]
    np.testing.assert_allclose(upper, true, rtol=0.1, atol=0.1 * true.max())


@KINDS
@WIDTHS
def test_the_nearest_to_a_point_is_among_those_that_may_be(kind: str, width: int) -> None:
    cloud = Cloud(plain.whole(rows(kind, 300, width)))
    made = Sketch(cloud, np.empty((0, width), dtype=np.float32), 0)
    for point in (made.mean, cloud.images.take(np.array([5]))[0]):
        distances = squared(cloud, point.reshape(1, -1))[:, 0]
        near = made.near(point)
        assert set(np.flatnonzero(distances == distances.min())) <= set(near.tolist())
    if kind == "along few axes":
        assert len(made.near(made.mean)) < 100, "what cannot be the nearest was not told from what may be"


@KINDS
@WIDTHS
def test_no_bound_of_gradients_is_below_their_distance(
    kind: str, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sketch, "_CENTRES", 4)
    features = rows(kind, 200, width)
    errors = np.random.default_rng(1).uniform(-0.5, 0.5, size=(200, 5)).astype(np.float32)
    cloud = Cloud(plain.whole(features), errors)
    made = Sketch(cloud, cloud.none.features, 9)
    upper = np.full(200, np.inf, dtype=np.float32)
    for pick in range(9):
        made.add(pick)
        made.shrink(np.arange(pick, 200), upper)
    made.shrink(np.arange(200), upper)
    gradients = plain.gradients(cloud.images.take(np.arange(200)), errors)
    true = np.square(gradients[:, None] - gradients[None, :9]).sum(axis=2).min(axis=1)
    assert (upper >= true).all()
    if kind == "along few axes":
        np.testing.assert_allclose(upper, true, rtol=0.1, atol=0.1 * true.max())
