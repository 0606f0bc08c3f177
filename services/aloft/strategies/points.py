"""Images as points of a space in which distances are compared: their features, or their gradients."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aloft.strategies.whole import ROWS, Whole

Which = NDArray[np.intp]
_UNIT = 2.0**-24


@dataclass(frozen=True, slots=True)
class Points:
    """Some points in single precision: z, or where there are errors a ⊗ (z, 1), which is never made."""

    features: NDArray[np.float32]
    errors: NDArray[np.float32] | None
    reach: NDArray[np.float32]
    """‖·‖² of each."""

    @classmethod
    def of(cls, features: NDArray[np.float32], errors: NDArray[np.float32] | None = None) -> "Points":
        """Make points of features, and of errors if these are gradients."""
        reach = np.einsum("ij,ij->i", features, features)
        if errors is not None:
            reach = (reach + 1) * np.einsum("ij,ij->i", errors, errors)
        return cls(features, errors, reach)

    def __len__(self) -> int:
        return len(self.features)

    def __getitem__(self, which: slice | Which | NDArray[np.bool_]) -> "Points":
        errors = None if self.errors is None else self.errors[which]
        return Points(self.features[which], errors, self.reach[which])

    def with_space(self, more: int) -> "Points":
        """Copy these, with space for more behind them."""

        def longer(column: NDArray[np.float32]) -> NDArray[np.float32]:
            made = np.zeros((len(column) + more, *column.shape[1:]), dtype=np.float32)
            made[: len(column)] = column
            return made

        errors = None if self.errors is None else longer(self.errors)
        return Points(longer(self.features), errors, longer(self.reach))

    def put(self, place: int, point: "Points") -> None:
        """Write one point into a place."""
        self.features[place], self.reach[place] = point.features[0], point.reach[0]
        if self.errors is not None and point.errors is not None:
            self.errors[place] = point.errors[0]

    def squared(self, others: "Points") -> NDArray[np.float32]:
        """Compute d² of every pair by matrix products: off by `room` of the reaches' sum at most."""
        products: NDArray[np.float32] = self.features @ others.features.T
        if self.errors is not None and others.errors is not None:
            products += 1
            products *= self.errors @ others.errors.T
        products *= -2
        products += self.reach[:, None]
        products += others.reach
        return products

    def exactly(self, others: "Points") -> NDArray[np.float64]:
        """Compute d² row against row in double precision, by differences: 0 where they are the same."""
        here, there = self.features.astype(np.float64), others.features.astype(np.float64)
        between: NDArray[np.float64] = np.square(here - there).sum(axis=1)
        if self.errors is None or others.errors is None:
            return between
        # a ⊗ z − b ⊗ y = (a − b) ⊗ z + b ⊗ (z − y), each z and y with the 1 that the bias sees.
        errors = others.errors.astype(np.float64)
        less = self.errors.astype(np.float64) - errors
        crossed = (less * errors).sum(axis=1) * (here * (here - there)).sum(axis=1)
        alike = np.square(less).sum(axis=1) * (np.square(here).sum(axis=1) + 1)
        squared: NDArray[np.float64] = alike + np.square(errors).sum(axis=1) * between + 2 * crossed
        np.maximum(squared, 0, out=squared)
        return squared

    @property
    def room(self) -> float:
        """By how much of the sum of two reaches single precision may be off their d², at most.

        A product of D terms is off by D units in the last place of Σ|x_d y_d|, which is half the sum at most.
        """
        width = self.features.shape[1] + (0 if self.errors is None else self.errors.shape[1])
        return float(1.5 * (width + 16) * _UNIT)


@dataclass(frozen=True, slots=True)
class Cloud:
    """All points of a pool, in order of image id, of which only some are in single precision at a time."""

    images: Whole
    errors: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.images)

    @property
    def width(self) -> int:
        """Numbers that a product of two points takes."""
        return int(self.images.features.shape[1] + (0 if self.errors is None else self.errors.shape[1]))

    @property
    def none(self) -> Points:
        """No points of this space."""
        return self.take(np.empty(0, dtype=np.intp))

    def take(self, which: Which) -> Points:
        """Copy some points in single precision."""
        errors = None if self.errors is None else self.errors[which]
        return Points.of(self.images.take(which), errors)

    def same(self, which: Which, others: Which) -> NDArray[np.bool_]:
        """Say which points are the same to the last bit, pair by pair."""
        here, there = (self.images.rows[side] for side in (which, others))
        alike = np.empty(len(which), dtype=bool)
        for start in range(0, len(which), ROWS):
            part = slice(start, start + ROWS)
            alike[part] = (self.images.features[here[part]] == self.images.features[there[part]]).all(axis=1)
        if self.errors is not None:
            alike &= (self.errors[which] == self.errors[others]).all(axis=1)
        return alike
