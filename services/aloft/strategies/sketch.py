"""Points in a few numbers each, which bound from above how far they are from centres without reading them."""

import numpy as np
from numpy.typing import NDArray

from aloft.strategies.cores import each
from aloft.strategies.points import Cloud, Points, Which
from aloft.strategies.stale import above

AXES = 24
"""Numbers of a sketch, and one more: features of networks lie along a few directions mostly."""
_SAMPLE = 1024
"""Points that the directions are taken from."""
_ROUNDS = 3
_ROWS, _CENTRES = 4096, 256
_UNIT = np.float32(2.0**-20)


def of(cloud: Cloud, centres: Points, more: int) -> "Sketch":
    """Sketch features, or gradients where there are errors."""
    return (Sketch if cloud.errors is None else Gradients)(cloud, centres, more)


class Sketch:
    """Where each point lies along the main axes of all, p, and how long what they leave of it is, r.

    Two points are at most ‖p − q‖² + (r + s)² apart, squared: what the axes leave of them is at right angles
    to the axes, and is furthest apart where it points in opposite directions.
    """

    _rows = _ROWS

    def __init__(self, cloud: Cloud, centres: Points, more: int) -> None:
        """Sketch a cloud, and the centres there are, with room for `more` of the cloud's own."""
        self._origin, self._axes = self._directions(cloud)
        # The errors of sums as long as a point, of making it relative to the origin, and of what follows.
        self._room = np.float32(6 * cloud.none.room) + _UNIT
        self._offset = _UNIT * np.float32(np.square(self._origin.astype(np.float64)).sum())
        self._points = np.empty((len(cloud), self._axes.shape[1] + 1), dtype=np.float32)

        def write(which: Which) -> None:
            self._points[which] = self._of(cloud.images.take(which))

        each(write, cloud.images.blocks())
        self._seen = np.zeros(len(cloud), dtype=np.int32)
        self._least = np.full(len(cloud), np.inf, dtype=np.float32)
        self.nearest: NDArray[np.int32] = np.zeros(len(cloud), dtype=np.int32)
        """The centre that gave each point its bound."""
        self._centres = np.zeros((len(centres) + more, self._points.shape[1]), dtype=np.float32)
        self._centres[: len(centres)] = self._of(centres.features.copy())
        self.count = len(centres)
        """Centres so far."""

    def add(self, pick: int) -> None:
        """Make a point a centre."""
        self._centres[self.count] = self._points[pick]
        self.count += 1

    def near(self, point: NDArray[np.float32]) -> Which:
        """Say which points may be the nearest to a point."""
        (there,) = self._of(point.reshape(1, -1).copy())

        def bounds(part: slice) -> tuple[float, NDArray[np.float32]]:
            points = self._points[part]
            along = np.square(points[:, :-1] - there[:-1]).sum(axis=1)
            lengths = np.einsum("ij,ij->i", points, points)
            off = self._room * (lengths + there @ there) + self._offset
            most = along + np.square(points[:, -1] + there[-1]) + off
            left = np.sqrt(np.maximum(np.square(points[:, -1]) - 2 * off, 0))
            return most.min(), along + np.square(np.maximum(left - there[-1], 0)) - off

        parts = each(bounds, [slice(at, at + _ROWS) for at in range(0, len(self._points), _ROWS)])
        most = min((part[0] for part in parts), default=np.inf)
        return np.flatnonzero(np.concatenate([np.empty(0), *(part[1] for part in parts)]) <= most)

    def shrink(self, which: Which, upper: NDArray[np.float32]) -> None:
        """Lower bounds of d² to the nearest centre by the centres that points were not yet held against."""
        which = which[self._seen[which] < self.count]
        order = which[np.argsort(self._seen[which], kind="stable")]
        runs = [order[start : start + self._rows] for start in range(0, len(order), self._rows)]
        each(lambda run: self._shrink(run, upper), runs)

    def _shrink(self, which: Which, upper: NDArray[np.float32]) -> None:
        points = self._points[which]
        here = self._lengths(which, points)
        least, nearest = self._least[which], self.nearest[which]
        for start in range(int(self._seen[which].min()), self.count, _CENTRES):
            products = self._products(which, points, slice(start, min(start + _CENTRES, self.count)))
            centre = products.argmin(axis=1)
            found = products[np.arange(len(which)), centre]
            nearer = found < least
            least[nearer], nearest[nearer] = found[nearer], start + centre[nearer]
        bound = (least + here * (1 + self._room) + self._offset).astype(np.float64)
        upper[which] = np.minimum(upper[which], above(np.maximum(bound, 0)))
        self._seen[which], self._least[which], self.nearest[which] = self.count, least, nearest

    def _of(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        rows -= self._origin
        along = rows @ self._axes
        lengths = np.einsum("ij,ij->i", rows, rows)
        left = np.maximum(lengths - np.einsum("ij,ij->i", along, along), 0) + self._room * lengths
        return np.column_stack([along, np.sqrt(left)])

    def _directions(self, cloud: Cloud) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        sample = _sample(cloud)
        middle = sample.mean(axis=0, dtype=np.float64).astype(np.float32)
        return middle, _axes(sample - middle)

    def _lengths(self, which: Which, points: NDArray[np.float32]) -> NDArray[np.float32]:
        lengths: NDArray[np.float32] = np.einsum("ij,ij->i", points, points)
        return lengths

    def _products(self, which: Which, points: NDArray[np.float32], part: slice) -> NDArray[np.float32]:
        """Compute what the bounds are that some centres give, less what is the same for all centres."""
        centres = self._centres[part].copy()
        there = np.einsum("ij,ij->i", centres, centres)
        # ‖p‖² + ‖q‖² − 2 p·q + r² + s² + 2rs, and what all of it may be off by.
        centres[:, :-1] *= -2
        centres[:, -1] *= 2
        products: NDArray[np.float32] = points @ centres.T
        products += there * (1 + self._room)
        return products


class Gradients(Sketch):
    """The same of features z, under errors a that make gradients of them.

    Gradients a ⊗ (z, 1) and b ⊗ (y, 1) are at most ‖a‖²(‖z‖² + 1) + ‖b‖²(‖y‖² + 1) − 2 (a·b)(p·q + 1)
    + 2 |a·b| rs apart, where the axes of z and y go through nought.
    """

    # Bounds take three tables of rows × centres, which a core's own cache should hold.
    _rows = _ROWS // 4

    def __init__(self, cloud: Cloud, centres: Points, more: int) -> None:
        """Sketch a cloud, and the centres there are, with room for `more` of the cloud's own."""
        super().__init__(cloud, centres, more)
        if cloud.errors is None or centres.errors is None:
            raise TypeError("gradients are features under errors, and there are none")
        self._errors = cloud.errors
        self._centre_errors = np.zeros((len(self._centres), self._errors.shape[1]), dtype=np.float32)
        self._centre_errors[: len(centres)] = centres.errors

    def add(self, pick: int) -> None:
        """Make a point a centre."""
        self._centre_errors[self.count] = self._errors[pick]
        super().add(pick)

    def _directions(self, cloud: Cloud) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        sample = _sample(cloud)
        return np.zeros(sample.shape[1], dtype=np.float32), _axes(sample)

    def _lengths(self, which: Which, points: NDArray[np.float32]) -> NDArray[np.float32]:
        errors = self._errors[which]
        lengths: NDArray[np.float32] = np.einsum("ij,ij->i", errors, errors)
        lengths *= super()._lengths(which, points) + 1
        return lengths

    def _products(self, which: Which, points: NDArray[np.float32], part: slice) -> NDArray[np.float32]:
        centres, errors = self._centres[part], self._centre_errors[part]
        there = (np.einsum("ij,ij->i", centres, centres) + 1) * np.einsum("ij,ij->i", errors, errors)
        alike = self._errors[which] @ errors.T
        products: NDArray[np.float32] = points[:, :-1] @ (-2 * centres[:, :-1]).T
        products -= 2
        products *= alike
        products += np.abs(alike, out=alike) * (points[:, -1:] * (2 * centres[:, -1]))
        products += there * (1 + self._room)
        return products


def _sample(cloud: Cloud) -> NDArray[np.float32]:
    sample = cloud.images.take(np.arange(0, len(cloud), max(1, len(cloud) // _SAMPLE)))
    return sample if len(sample) else np.zeros((1, sample.shape[1]), dtype=np.float32)


def _axes(sample: NDArray[np.float32]) -> NDArray[np.float32]:
    """Take the main directions in which some points lie from nought, by subspace iteration."""
    rows = sample.astype(np.float64)
    axes = np.random.default_rng(0).standard_normal((rows.shape[1], min(AXES, rows.shape[1])))
    for _ in range(_ROUNDS):
        axes = np.linalg.qr(rows.T @ (rows @ axes))[0]
    return axes.astype(np.float32)
