"""`kcenter`: batches such that no image is far from one that is labelled, in flight or chosen (core-set).

Sener & Savarese, "Active Learning for Convolutional Neural Networks: A Core-Set Approach" (ICLR 2018,
arXiv:1708.00489): with greedy choice the farthest image is at most twice as far as with the best choice.
"""

from dataclasses import replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from aloft.strategies import whole
from aloft.strategies.cores import each
from aloft.strategies.farthest import Farthest
from aloft.strategies.halves import singles, usable
from aloft.strategies.points import Cloud, Points, Which
from aloft.strategies.pool import Block, Features, Ids, Pool
from aloft.strategies.sample import finite
from aloft.strategies.sketch import Sketch
from aloft.strategies.stale import Stale, nearest
from aloft.strategies.strategy import NO_CLUSTER, Needs, Picks, Ranked, Strategy, picks_of
from aloft.strategies.whole import ROWS, Whole

NEEDS = Needs(candidates=True, covered=True)
"""What `select` reads of a pool."""
_SAMPLE = 65_536
"""Images at most that the mean is of."""


def rank(pool: Pool, size: int, seed: int) -> Ranked:
    """Score each image by its distance to the nearest that is covered: s_i = min_j ‖z_i − z_j‖₂.

    Where nothing is covered yet, by its distance to the mean, negated: the first centre comes first.
    """
    covered = _covered(pool)
    if not len(covered):
        images = whole.gather(pool)
        return Ranked.of(images.images, 0.0 - np.sqrt(_from_mean(Cloud(images))), images.left_out)
    parts = [_scored(block, covered) for block in pool.blocks()]
    names = np.concatenate([np.empty(0, dtype="S16"), *(part[0] for part in parts)])
    scores = np.concatenate([np.empty(0), *(part[1] for part in parts)])
    return Ranked.of(names, scores, sum(part[2] for part in parts))


def alone(pool: Pool, ranked: Ranked, size: int, seed: int) -> Picks:
    """Pick, again and again, the image of the whole pool that is farthest from every centre so far."""
    return _picks(whole.gather(pool), _covered(pool), size, "image", "pool")


def select(pool: Pool, ranked: Ranked, size: int, seed: int, h: int) -> Picks:
    """Do the same among the min(h·b, N) best of a ranking."""
    found = whole.best(pool, ranked, h * size)
    images = replace(found, left_out=ranked.left_out + found.left_out)
    return _picks(images, _covered(pool), size, "candidate", "candidates")


def choose(images: Whole, covered: NDArray[np.float32], size: int) -> tuple[Which, NDArray[np.float64]]:
    """Choose centres, and say how far each was from the nearest when it was chosen (NaN: there was none).

    The first without any is the image nearest the mean. What it chooses is what the plain loop chooses, in
    double precision, the first of equals.
    """
    if not len(images):  # nor is known then how wide features are
        return np.empty(0, dtype=np.intp), np.empty(0)
    cloud, count = Cloud(images), min(size, len(images))
    centres = Points.of(covered)
    sketch = Sketch(cloud, centres, count)
    farthest = Farthest(Stale(cloud, centres, count), sketch)
    chosen: list[int] = []
    radii: list[float] = []
    if not len(covered):
        chosen.append(_middle(cloud, sketch))
        radii.append(np.nan)
        farthest.take(chosen[0])
    while len(chosen) < count and (found := farthest.find()):
        chosen.append(found[0])
        radii.append(np.sqrt(found[1]))
        farthest.take(found[0])
    spare = np.delete(np.arange(len(cloud)), chosen)[: count - len(chosen)]
    return np.array([*chosen, *spare], dtype=np.intp), np.array([*radii, *np.zeros(len(spare))])


def _picks(images: Whole, covered: NDArray[np.float32], size: int, one: str, all_of_them: str) -> Picks:
    chosen, radii = choose(images, covered, size)
    clusters = np.full(len(chosen), NO_CLUSTER, dtype=np.int64)
    why = [_why(radius, one, all_of_them) for radius in radii]
    return picks_of(images.images[chosen], np.nan_to_num(radii), clusters, why, size, images.left_out)


def _why(radius: float, one: str, all_of_them: str) -> str:
    if np.isnan(radius):
        return f"Nearest to the mean of the {all_of_them}: nothing is labelled or in flight yet."
    if radius == 0:
        return f"Fills the batch: every {one} left is the same as one that is labelled, in flight or chosen."
    return f"The {one} farthest from every image labelled, in flight or chosen before it: {radius:.4g} away."


def _covered(pool: Pool) -> NDArray[np.float32]:
    covered: Features = pool.covered()
    return singles(covered[usable(covered)])


def _mean(images: Whole) -> Points:
    """Compute the mean of a pool, or of those whose ids come first: digests, so that they are random."""
    blocks = list(islice(images.blocks(), _SAMPLE // ROWS))
    # Blocks lie in order of id, so that it does not matter how these sums round.
    sums = each(lambda which: images.take(which).sum(axis=0), blocks)
    total = sum(sums, np.zeros(images.features.shape[1]))
    return Points.of((total / max(1, sum(map(len, blocks)))).astype(np.float32).reshape(1, -1))


def _middle(cloud: Cloud, sketch: Sketch) -> int:
    """Find the image nearest the mean, the first of equals."""
    mean = _mean(cloud.images)
    near = sketch.near(mean.features[0])
    runs = [near[start : start + ROWS] for start in range(0, len(near), ROWS)]
    exact = np.concatenate([cloud.take(run).exactly(mean) for run in runs])
    return int(near[int(exact.argmin())])


def _from_mean(cloud: Cloud) -> NDArray[np.float64]:
    """Compute d² of each image to the mean."""
    (mean,) = _mean(cloud.images).features

    def squared(which: Which) -> NDArray[np.float32]:
        # By differences: what a mean far from 0 has in common with all would drown them in a product.
        between = cloud.images.take(which)
        between -= mean
        lengths: NDArray[np.float32] = np.einsum("ij,ij->i", between, between)
        return lengths

    return np.concatenate([np.empty(0), *each(squared, cloud.images.blocks())])


def _scored(block: Block, covered: NDArray[np.float32]) -> tuple[Ids, NDArray[np.float64], int]:
    images, features, dropped = finite(block)
    return images, np.sqrt(nearest(Points.of(singles(features)), Points.of(covered))), dropped


STRATEGY = Strategy("kcenter", Needs(features=True, covered=True), rank, alone)
