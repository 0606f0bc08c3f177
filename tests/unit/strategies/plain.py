"""The strategies over whole pools as they are defined: plain loops in double precision."""

import numpy as np
from numpy.typing import NDArray

from aloft.strategies.pool import Ids
from aloft.strategies.whole import Whole, of

Floats = NDArray[np.float64]


def numbered(count: int) -> Ids:
    """Make ids whose order is that of their numbers."""
    return np.array([number.to_bytes(15, "big") + b"x" for number in range(count)], dtype="S16")


def whole(features: NDArray[np.floating]) -> Whole:
    """Hold features as half precision has them, in the order of the rows."""
    return of(numbered(len(features)), features.astype(np.float16))


def farthest_first(images: Whole, covered: NDArray[np.float32], size: int) -> tuple[list[int], list[float]]:
    """Choose k-centres by a pass over all distances for each."""
    rows = images.features.astype(np.float64)
    squared = np.full(len(rows), np.inf)
    chosen: list[int] = []
    radii: list[float] = []
    for centre in covered.astype(np.float64):
        squared = np.minimum(squared, np.square(rows - centre).sum(axis=1))
    while len(chosen) < min(size, len(rows)):
        if not chosen and not len(covered):
            mean = rows.mean(axis=0).astype(np.float32)
            pick, radius = int(np.argmin(np.square(rows - mean).sum(axis=1))), np.nan
        else:
            pick = int(np.argmax(squared))
            radius = float(np.sqrt(squared[pick]))
        chosen.append(pick)
        radii.append(radius)
        squared = np.minimum(squared, np.square(rows - rows[pick]).sum(axis=1))
        squared[chosen] = -1
    return chosen, radii


def gradients(features: NDArray[np.floating], errors: NDArray[np.floating]) -> Floats:
    """Make the matrix that BADGE is defined by: a row a ⊗ (z, 1) for each image."""
    seen = np.concatenate([features.astype(np.float64), np.ones((len(features), 1))], axis=1)
    outer: Floats = errors.astype(np.float64)[:, :, None] * seen[:, None, :]
    return outer.reshape(len(features), -1)


def between(rows: Floats) -> Floats:
    """Compute d² of every pair."""
    return np.asarray(np.square(rows[:, None] - rows[None]).sum(axis=-1))
