"""`kcenter`: batches such that no image is far from one that is labelled, in flight or chosen (core-set).

Sener & Savarese, "Active Learning for Convolutional Neural Networks: A Core-Set Approach" (ICLR 2018): the
greedy choice is at most twice as far from its farthest image as the best choice is.
"""

import numpy as np
from numpy.typing import NDArray

from aloft.strategies import whole
from aloft.strategies.halves import singles
from aloft.strategies.pool import Block, Features, Ids, Pool
from aloft.strategies.sample import finite
from aloft.strategies.strategy import NO_CLUSTER, Needs, Picks, Ranked, Strategy, picks_of
from aloft.strategies.whole import Whole

CANDIDATES_EACH = 4
"""After a score: the most uncertain images, for each of the batch, among which centres are chosen (h)."""

NEEDS = Needs(candidates=True, covered=True)
"""What `select` reads of a pool."""


def rank(pool: Pool, size: int, seed: int) -> Ranked:
    """Score each image by its distance to the nearest that is covered: s_i = min_j ‖z_i − z_j‖₂.

    Where nothing is covered yet, by its distance to the mean, negated: the first centre comes first.
    """
    covered = _usable(pool.covered())
    if not len(covered):
        everything = whole.gather(pool)
        if not len(everything):
            return Ranked(everything.images, np.empty(0), everything.left_out)
        far = np.sqrt(_squared(everything, _mean(everything)[None, :]))
        return Ranked.of(everything.images, 0.0 - far, everything.left_out)
    parts = [_scored(block, covered) for block in pool.blocks()]
    images = np.concatenate([np.empty(0, dtype="S16"), *(part[0] for part in parts)])
    scores = np.concatenate([np.empty(0), *(part[1] for part in parts)])
    return Ranked.of(images, scores, sum(part[2] for part in parts))


def alone(pool: Pool, ranked: Ranked, size: int, seed: int) -> Picks:
    """Pick, again and again, the image of the whole pool that is farthest from every centre so far."""
    return _picks(whole.gather(pool), pool.covered(), size)


def select(pool: Pool, ranked: Ranked, size: int, seed: int) -> Picks:
    """Do the same among the min(h·b, N) best of a ranking."""
    candidates, _ = whole.best(pool, ranked, CANDIDATES_EACH * size)
    return _picks(candidates, pool.covered(), size)


def choose(
    images: Whole, covered: NDArray[np.float32], size: int
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Choose centres, and say how far each was from the nearest when it was chosen (NaN: there was none)."""
    count = min(size, len(images))
    chosen: list[int] = []
    radii: list[float] = []
    squared = np.full(len(images), np.inf)
    for start in range(0, len(covered), 64):
        squared = np.minimum(squared, _squared(images, covered[start : start + 64]))
    while len(chosen) < count:
        if np.isinf(squared.max()):
            pick = int(np.argmin(_squared(images, _mean(images)[None, :])))
            radii.append(float("nan"))
        else:
            pick = int(np.argmax(squared))
            radii.append(float(np.sqrt(squared[pick])))
        chosen.append(pick)
        squared = np.minimum(squared, _squared(images, images.take(np.array([pick]))))
        squared[pick] = -1.0
    return np.array(chosen, dtype=np.intp), np.array(radii)


def _picks(images: Whole, covering: Features, size: int) -> Picks:
    chosen, radii = choose(images, _usable(covering), size)
    scores = np.nan_to_num(radii)
    clusters = np.full(len(chosen), NO_CLUSTER, dtype=np.int64)
    why = [_why(radius) for radius in radii]
    return picks_of(images.images[chosen], scores, clusters, why, size, images.left_out)


def _why(radius: float) -> str:
    if np.isnan(radius):
        return "Nearest to the mean of all images: nothing is labelled or in flight yet."
    if radius == 0:
        return "Fills the batch: every image left is the same as one that is labelled, in flight or chosen."
    return f"Farthest from every image labelled, in flight or chosen before it: {radius:.4g} away."


def _usable(covering: Features) -> NDArray[np.float32]:
    return singles(covering[np.isfinite(covering).all(axis=1)])


def _mean(images: Whole) -> NDArray[np.float32]:
    sums = sum(images.take(which).sum(axis=0, dtype=np.float64) for which in images.blocks())
    return np.asarray(sums / len(images), dtype=np.float32)


def _squared(images: Whole, centres: NDArray[np.float32]) -> NDArray[np.float64]:
    parts = [_nearest(images.take(which), centres) for which in images.blocks()]
    return np.concatenate([np.empty(0), *parts])


def _nearest(rows: NDArray[np.float32], centres: NDArray[np.float32]) -> NDArray[np.float64]:
    least = np.full(len(rows), np.inf)
    for centre in centres:
        least = np.minimum(least, np.square(rows - centre).sum(axis=1))
    return least


def _scored(block: Block, covered: NDArray[np.float32]) -> tuple[Ids, NDArray[np.float64], int]:
    images, features, dropped = finite(block)
    return images, np.sqrt(_nearest(singles(features), covered)), dropped


STRATEGY = Strategy("kcenter", Needs(features=True, covered=True), rank, alone)
