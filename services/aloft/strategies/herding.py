"""`herding`: batches that cover what is uncertain, or with no uncertainty the pool itself.

Uncertainty herding is Bae, Oliveira & Sutherland, "Uncertainty Herding: One Active Learning Method for All
Label Budgets" (ICLR 2025, arXiv:2412.20644); with equal weights it is the MaxHerding of Bae, Noh &
Sutherland (ECCV 2024, arXiv:2407.12212). The objective is Σ_i u_i · max_j k(z_i, z_j), j over what is
labelled, in flight or chosen, k a Gaussian on centred features of unit length. It is submodular: greedy
choice reaches at least 1 − 1/e of the best batch's gain.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aloft.strategies import lazy, whole
from aloft.strategies.directions import Directions
from aloft.strategies.pool import Features, Ids, Pool
from aloft.strategies.sample import Sample, draw, finite
from aloft.strategies.seeds import derive, uniform
from aloft.strategies.strategy import NO_CLUSTER, Needs, Picks, Ranked, Strategy, picks_of

SAMPLE = 16_384
"""Images that are candidates and targets at once: all of a pool that has no more."""
RANK_TARGETS = 1_024
"""Targets by which every image of a larger pool is ranked."""
NEIGHBOURHOOD = 0.5
"""The bandwidth, in medians of the distances between images."""

NEEDS = Needs(candidates=True, covered=True)
"""What `select` reads of a pool."""

_LEVELS = 65_535
"""Steps in which k is held: whole numbers, so that sums do not depend on their order."""
_WEIGHTS = 2.0**20
_ROWS = 512


def bandwidth(directions: Directions, rows: NDArray[np.float32]) -> float:
    """Say the σ of k(x, y) = exp(−‖x − y‖² / 2σ²): half the median distance between images of a sample."""
    some = rows[:: max(1, len(rows) // 1024)]
    apart = directions.squared(some, some)[np.triu_indices(len(some), 1)]
    middle = float(np.median(apart)) if len(apart) else 0.0
    return NEIGHBOURHOOD * float(np.sqrt(middle)) if middle > 0 else 1.0


@dataclass(frozen=True, slots=True)
class Targets:
    """What is to be covered, how much each counts, and how well it is covered so far."""

    directions: Directions
    rows: NDArray[np.float32]
    weights: NDArray[np.float64]
    """Whole numbers."""
    sigma: float
    reached: NDArray[np.uint16]

    @classmethod
    def of(cls, features: NDArray[np.float32], weights: NDArray[np.float64], covered: Features) -> "Targets":
        """Make targets of features; what is covered already covers them."""
        directions = Directions.about_mean(features)
        rows = directions.of(features)
        most = float(weights.max(initial=0))
        whole_numbers = np.rint(weights / most * _WEIGHTS) if most > 0 else np.ones(len(rows))
        made = cls(
            directions,
            rows,
            whole_numbers,
            bandwidth(directions, rows),
            np.zeros(len(rows), dtype=np.uint16),
        )
        usable = covered[np.isfinite(covered).all(axis=1)] if len(rows) else covered[:0]
        for start in range(0, len(usable), _ROWS):
            near = made.kernel(directions.of(usable[start : start + _ROWS]))
            np.maximum(made.reached, near.max(axis=0), out=made.reached)
        return made

    def kernel(self, rows: NDArray[np.float32]) -> NDArray[np.uint16]:
        """Compute k between rows and every target, in steps of 1/65535."""
        squared = self.directions.squared(rows, self.rows)
        squared *= np.float32(-0.5 / self.sigma**2)
        np.exp(squared, out=squared)
        squared *= _LEVELS
        return np.rint(np.minimum(squared, _LEVELS, out=squared), out=squared).astype(np.uint16)

    def gain(self, near: NDArray[np.uint16]) -> NDArray[np.float64]:
        """Say by how much each row of a kernel would raise Σ_i u_i · max_j k, in whole numbers."""
        more = np.maximum(near, self.reached) - self.reached
        gains: NDArray[np.float64] = more.astype(np.float64) @ self.weights
        return gains

    @property
    def most(self) -> float:
        """The objective where everything is covered wholly."""
        return float(self.weights.sum()) * _LEVELS or 1.0


def rank(pool: Pool, size: int, seed: int) -> Ranked:
    """Score each image by the gain of choosing it first, as a part of the objective's largest value."""
    sample = draw(pool, max(SAMPLE, size), derive(seed, "herding"))
    if sample.whole:
        targets = Targets.of(sample.features, np.ones(len(sample.images)), pool.covered())
        return Ranked.of(sample.images, _gains(targets, sample.features), sample.left_out)
    few = _few(sample, derive(seed, "targets"))
    targets = Targets.of(sample.features[few], np.ones(len(few)), pool.covered())
    parts = [(images, _gains(targets, features)) for images, features, _ in map(finite, pool.blocks())]
    images, gains = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Ranked.of(images, gains, sample.left_out)


def alone(pool: Pool, ranked: Ranked, size: int, seed: int) -> Picks:
    """Pick, again and again, what most raises the coverage of the pool: u = 1."""
    sample = draw(pool, max(SAMPLE, size), derive(seed, "herding"))
    targets = Targets.of(sample.features, np.ones(len(sample.images)), pool.covered())
    return _picks(sample.images, targets, size, sample.left_out, "the pool")


def select(pool: Pool, ranked: Ranked, size: int, seed: int) -> Picks:
    """Pick, again and again, what most raises the coverage of uncertainty: u = the ranking's scores.

    Of a large pool, images are drawn by priority sampling (Duffield, Lund & Thorup, JACM 2007): those with
    the largest u_i / r_i, r_i uniform in (0, 1], each with the weight max(u_i, t), t the largest that is not
    kept. That estimates the sum over all images without bias, and keeps every image that weighs much.
    """
    uncertain = _positive(ranked.scores)
    images, weights = _priority(ranked.images, uncertain, max(SAMPLE, size), derive(seed, "herding"))
    found = whole.of(images, pool.features_of(images)) if len(images) else whole.Whole.empty()
    targets = Targets.of(found.take(np.arange(len(found))), weights[found.rows], pool.covered())
    return _picks(
        found.images, targets, size, ranked.left_out + found.left_out, "what is uncertain in the pool"
    )


def choose(targets: Targets, size: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Choose targets that cover the others, and say the gain of each as a part of the largest objective."""
    count = len(targets.rows)
    near = np.empty((count, count), dtype=np.uint16)
    for start in range(0, count, _ROWS):
        near[start : start + _ROWS] = targets.kernel(targets.rows[start : start + _ROWS])

    def take(pick: int) -> None:
        np.maximum(targets.reached, near[pick], out=targets.reached)

    chosen, gains = lazy.greedy(count, size, lambda which: targets.gain(near[which]), take)
    return chosen, gains / targets.most


def _picks(images: Ids, targets: Targets, size: int, left_out: int, what: str) -> Picks:
    before = float(targets.reached.astype(np.float64) @ targets.weights) / targets.most
    chosen, gains = choose(targets, size)
    covered = before + np.cumsum(gains)
    why = [_why(gain, total, what) for gain, total in zip(gains.tolist(), covered.tolist(), strict=True)]
    clusters = np.full(len(chosen), NO_CLUSTER, dtype=np.int64)
    return picks_of(images[chosen], gains, clusters, why, size, left_out)


def _why(gain: float, total: float, what: str) -> str:
    if gain <= 0:
        return f"Fills the batch: {what} is covered as far as it can be."
    return f"Raises the coverage of {what} by {gain:.2%} to {total:.2%}, the most of any image left."


def _gains(targets: Targets, features: Features) -> NDArray[np.float64]:
    parts = [
        targets.gain(targets.kernel(targets.directions.of(features[start : start + _ROWS])))
        for start in range(0, len(features), _ROWS)
    ]
    return np.concatenate([np.empty(0), *parts]) / targets.most


def _few(sample: Sample, seed: int) -> NDArray[np.intp]:
    few = np.argsort(uniform(sample.images, seed), kind="stable")[:RANK_TARGETS]
    return np.sort(few)


def _positive(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Make weights of scores: those below zero count from the least of them."""
    return scores - min(0.0, float(scores.min(initial=0)))


def _priority(
    images: Ids, uncertain: NDArray[np.float64], most: int, seed: int
) -> tuple[Ids, NDArray[np.float64]]:
    if len(images) <= most:
        return images, uncertain
    priority = uncertain / (1 - uniform(images, seed))
    order = np.lexsort((images, -priority))
    return images[order[:most]], np.maximum(uncertain[order[:most]], priority[order[most]])


STRATEGY = Strategy("herding", Needs(features=True, covered=True), rank, alone)
