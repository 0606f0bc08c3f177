"""Features as directions: centred, of unit length, and in whole numbers, so that products are exact.

A direction is scaled to a length below 2¹² and rounded to whole numbers. By Cauchy and Schwarz every partial
sum of a product of two is then a whole number below 2²⁴, which single precision holds exactly: a matrix
product gives the same numbers however its rows are cut into blocks and its sums into parts. Rounding moves a
cosine by some 10⁻⁴ at 2048 features.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aloft.strategies.halves import singles
from aloft.strategies.pool import Features

_LONGEST = 4096.0


@dataclass(frozen=True, slots=True)
class Directions:
    """How features become directions."""

    middle: NDArray[np.float32]

    @classmethod
    def about_mean(cls, features: NDArray[np.float32]) -> "Directions":
        """Centre by the mean of these features."""
        if not len(features):
            return cls(np.zeros(features.shape[1], dtype=np.float32))
        return cls(features.mean(axis=0, dtype=np.float64).astype(np.float32))

    @property
    def length(self) -> float:
        """How long a direction is in whole numbers, before rounding, which may add √D/2."""
        return float(_LONGEST - 1 - len(self.middle) ** 0.5 / 2)

    def of(self, features: Features) -> NDArray[np.float32]:
        """Turn rows into directions. What lies at the mean has none, and stays of length 0."""
        rows = singles(features)
        rows -= self.middle
        # The largest number first, so that squares neither overflow nor vanish.
        largest = np.abs(rows).max(axis=1, initial=0)
        rows /= np.where(largest > 0, largest, 1)[:, None]
        lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
        rows *= (self.length / np.where(lengths > 0, lengths, 1))[:, None].astype(np.float32)
        np.rint(rows, out=rows)
        return rows

    def squared(self, rows: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
        """Compute ‖x_i − y_j‖² of every pair, for directions of length 1."""
        here, there = (np.einsum("ij,ij->i", side, side) for side in (rows, others))
        products: NDArray[np.float32] = rows @ others.T
        products *= -2
        products += here[:, None]
        products += there
        products /= np.float32(self.length**2)
        return products
