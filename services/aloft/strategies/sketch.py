"""Points in a few numbers each, which bound from above how far they are from centres without reading them."""

import numpy as np
from numpy.typing import NDArray

from aloft.strategies.cores import each
from aloft.strategies.points import Cloud, Which
from aloft.strategies.stale import above

AXES = 32
"""Numbers of a sketch, and one more: features of networks lie along a few directions mostly."""
_SAMPLE = 1024
"""Points that the directions are taken from."""
_ROUNDS = 3
_ROWS, _CENTRES = 4096, 256
_UNIT = np.float32(2.0**-20)


class Sketch:
    """Where each point lies along the main axes of all, p, and how long what they leave of it is, r.

    Two points are at most ‖p − q‖² + (r + s)² apart, squared: what the axes leave of them is at right angles
    to the axes, and is furthest apart where it points in opposite directions. Gradients a ⊗ (z, 1) and
    b ⊗ (y, 1) are at most ‖a‖²(‖z‖² + 1) + ‖b‖²(‖y‖² + 1) − 2 (a·b)(p·q + 1) + 2 |a·b| rs apart, where the
    axes of z and y go through nought.
    """

    def __init__(self, cloud: Cloud, centres: NDArray[np.float32], more: int) -> None:
        """Sketch a cloud, and the centres of features there are, with room for `more` of the cloud's own."""
        self._origin, self._axes = _axes(cloud)
        self._errors = cloud.errors
        # The errors of sums as long as a point, of making it relative to the origin, and of what follows.
        self._room = np.float32(6 * cloud.none.room) + _UNIT
        self._offset = _UNIT * np.float32(np.square(self._origin.astype(np.float64)).sum())
        self._points = np.empty((len(cloud), self._axes.shape[1] + 1), dtype=np.float32)

        def write(which: Which) -> NDArray[np.float32]:
            rows = cloud.images.take(which)
            total: NDArray[np.float32] = rows.sum(axis=0)
            self._points[which] = self._of(rows)
            return total

        # Blocks lie in order of id, so that it does not matter how these sums round.
        total = np.sum(each(write, cloud.images.blocks()), axis=0, dtype=np.float64)
        self.mean: NDArray[np.float32] = np.asarray(total / max(1, len(cloud)), dtype=np.float32)
        """Of all points."""
        self._seen = np.zeros(len(cloud), dtype=np.int32)
        self._least = np.full(len(cloud), np.inf, dtype=np.float32)
        self.nearest: Which = np.zeros(len(cloud), dtype=np.intp)
        """The centre that gave each point its bound."""
        self._centres = np.zeros((len(centres) + more, self._points.shape[1]), dtype=np.float32)
        self._centres[: len(centres)] = self._of(centres.copy())
        self._centre_errors = (
            None if cloud.errors is None else np.zeros((more, cloud.errors.shape[1]), np.float32)
        )
        self._count = len(centres)

    def add(self, pick: int) -> None:
        """Make a point a centre."""
        self._centres[self._count] = self._points[pick]
        if self._errors is not None and self._centre_errors is not None:
            self._centre_errors[self._count] = self._errors[pick]
        self._count += 1

    def near(self, point: NDArray[np.float32]) -> Which:
        """Say which points may be the nearest to a point."""
        (there,) = self._of(point.reshape(1, -1).copy())
        along = np.square(self._points[:, :-1] - there[:-1]).sum(axis=1)
        lengths = np.einsum("ij,ij->i", self._points, self._points)
        off = self._room * (lengths + there @ there) + self._offset
        most = along + np.square(self._points[:, -1] + there[-1]) + off
        left = np.sqrt(np.maximum(np.square(self._points[:, -1]) - 2 * off, 0))
        least = along + np.square(np.maximum(left - there[-1], 0)) - off
        return np.flatnonzero(least <= most.min(initial=np.inf))

    def shrink(self, which: Which, upper: NDArray[np.float32]) -> None:
        """Lower bounds of d² to the nearest centre by the centres that points were not yet held against."""
        which = which[self._seen[which] < self._count]
        order = which[np.argsort(self._seen[which], kind="stable")]
        # Bounds of gradients take three tables of rows × centres, which a core's own cache should hold.
        rows = _ROWS if self._errors is None else _ROWS // 4
        runs = [order[start : start + rows] for start in range(0, len(order), rows)]
        each(lambda run: self._shrink(run, upper), runs)

    def _shrink(self, which: Which, upper: NDArray[np.float32]) -> None:
        points = self._points[which]
        here = np.einsum("ij,ij->i", points, points)
        if self._errors is not None:
            here = (here + 1) * np.einsum("ij,ij->i", self._errors[which], self._errors[which])
        least, nearest = self._least[which], self.nearest[which]
        for start in range(int(self._seen[which].min()), self._count, _CENTRES):
            part = slice(start, min(start + _CENTRES, self._count))
            products = self._products(which, points, part)
            centre = products.argmin(axis=1)
            found = products[np.arange(len(which)), centre]
            nearer = found < least
            least[nearer], nearest[nearer] = found[nearer], start + centre[nearer]
        bound = (least + here * (1 + self._room) + self._offset).astype(np.float64)
        upper[which] = np.minimum(upper[which], above(np.maximum(bound, 0)))
        self._seen[which], self._least[which], self.nearest[which] = self._count, least, nearest

    def _products(self, which: Which, points: NDArray[np.float32], part: slice) -> NDArray[np.float32]:
        """Compute what the bounds are that some centres give, less what is the same for all centres."""
        centres = self._centres[part].copy()
        there = np.einsum("ij,ij->i", centres, centres)
        if self._errors is None or self._centre_errors is None:
            # ‖p‖² + ‖q‖² − 2 p·q + r² + s² + 2rs, and what all of it may be off by.
            centres[:, -1] *= -1
            products: NDArray[np.float32] = points @ centres.T
        else:
            errors = self._centre_errors[part]
            there = (there + 1) * np.einsum("ij,ij->i", errors, errors)
            alike = self._errors[which] @ errors.T
            products = points[:, :-1] @ centres[:, :-1].T
            products += 1
            products *= alike
            products -= np.abs(alike, out=alike) * (points[:, -1:] * centres[:, -1])
        products *= -2
        products += there * (1 + self._room)
        return products

    def _of(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        rows -= self._origin
        along = rows @ self._axes
        lengths = np.einsum("ij,ij->i", rows, rows)
        left = np.maximum(lengths - np.einsum("ij,ij->i", along, along), 0) + self._room * lengths
        return np.column_stack([along, np.sqrt(left)])


def _axes(cloud: Cloud) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Take the middle and the main directions of some points, by subspace iteration."""
    sample = cloud.images.take(np.arange(0, len(cloud), max(1, len(cloud) // _SAMPLE)))
    if not len(sample):
        sample = np.zeros((1, sample.shape[1]), dtype=np.float32)
    origin = sample.mean(axis=0, dtype=np.float64).astype(np.float32)
    if cloud.errors is not None:
        origin[:] = 0
    rows = (sample - origin).astype(np.float64)
    axes = np.random.default_rng(0).standard_normal((rows.shape[1], min(AXES, rows.shape[1])))
    for _ in range(_ROUNDS):
        axes = np.linalg.qr(rows.T @ (rows @ axes))[0]
    return origin, axes.astype(np.float32)
