"""Features to measure on: of a network, made by code to be like those, or the hardest there are."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

MIXTURE, ISOTROPIC = "mixture", "isotropic"
_BASE, _CLASSES = 16_384, 40
_NEIGHBOURS_OF = 256
"""Rows that the median distance to the nearest neighbour is taken over: it varies little."""

Features = NDArray[np.float32]


class Source(Protocol):
    """Any number of rows, the same for the same number of the part."""

    @property
    def feature_size(self) -> int:
        """How long a row is."""

    def part(self, number: int, start: int, count: int) -> Features:
        """Make the rows from `start` on, which are part `number`."""


@dataclass(frozen=True, slots=True)
class Isotropic:
    """Independent normal numbers: every row as far from every other, which no network's features are."""

    feature_size: int
    seed: int = 0

    def part(self, number: int, start: int, count: int) -> Features:
        """Draw them."""
        draws = np.random.default_rng([self.seed, number])
        return draws.standard_normal((count, self.feature_size), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Multiplied:
    """Rows of a smaller set in turn, with noise as long as the median way to a nearest neighbour."""

    base: Features
    noise: float
    """Standard deviation of each number of the noise."""
    seed: int = 0

    @property
    def feature_size(self) -> int:
        """As long as the base's."""
        return int(self.base.shape[1])

    def part(self, number: int, start: int, count: int) -> Features:
        """Repeat rows of the base; the first time as they are."""
        turn, row = np.divmod(np.arange(start, start + count), len(self.base))
        rows = self.base[row]
        if (repeated := turn > 0).any():
            draws = np.random.default_rng([self.seed, number])
            shape = (int(repeated.sum()), self.feature_size)
            rows[repeated] += np.float32(self.noise) * draws.standard_normal(shape, dtype=np.float32)
        return rows


def source(name: str, feature_size: int) -> Source:
    """Open a file of features (NumPy, images × numbers), or make what a name means.

    `mixture`: 40 classes of unequal size with centres of their own, each spread along directions whose
    variance falls as 1/j, cut off at zero as by the last activation of a network. `isotropic`: noise.
    """
    if name == ISOTROPIC:
        return Isotropic(feature_size)
    if name == MIXTURE:
        return multiplied(_mixture(_BASE, feature_size))
    if not Path(name).is_file():
        raise ValueError(
            f"features: {name!r} is neither {MIXTURE}, {ISOTROPIC} nor a file; give one of them, "
            "or a .npy file with a row of numbers for each image"
        )
    base = np.load(name, allow_pickle=False)
    if base.ndim != 2 or len(base) < 2 or base.dtype.kind != "f":
        raise ValueError(f"features: {name} holds {base.dtype} of shape {base.shape}, not images × numbers")
    return multiplied(np.asarray(base, dtype=np.float32))


def multiplied(base: Features) -> Multiplied:
    """Let a set of rows stand for any number of them."""
    queries = base[:: max(1, len(base) // _NEIGHBOURS_OF)]
    lengths = np.einsum("ij,ij->i", base, base)
    squared = np.einsum("ij,ij->i", queries, queries)[:, None] + lengths - 2 * (queries @ base.T)
    # The nearest of all is the row itself.
    nearest = np.sqrt(np.maximum(np.partition(squared, 1, axis=1)[:, 1], 0))
    return Multiplied(base, float(np.median(nearest)) / float(np.sqrt(base.shape[1])))


def _mixture(count: int, feature_size: int) -> Features:
    draws = np.random.default_rng(0)
    share = 1 / np.arange(1, _CLASSES + 1)
    of = draws.choice(_CLASSES, size=count, p=share / share.sum())
    centres = draws.standard_normal((_CLASSES, feature_size), dtype=np.float32)
    spread = (1 / np.sqrt(np.arange(1, feature_size + 1))).astype(np.float32)
    # Each class turns the directions by an amount of its own, so that no two spread alike.
    rows = draws.standard_normal((count, feature_size), dtype=np.float32) * spread * np.float32(4)
    for label in range(_CLASSES):
        members = of == label
        rows[members] = np.roll(rows[members], 7 * label, axis=1) + centres[label]
    np.maximum(rows, 0, out=rows)
    return rows
