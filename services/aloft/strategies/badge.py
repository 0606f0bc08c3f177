"""`badge`: batches that are uncertain and diverse at once, by k-means++ seeding over gradient embeddings.

Ash, Zhang, Krishnamurthy, Langford & Agarwal, "Deep Batch Active Learning by Diverse, Uncertain Gradient
Lower Bounds" (ICLR 2020, arXiv:1906.03671), here with the gradient of binary cross-entropy over many labels.
"""

import numpy as np
from numpy.typing import NDArray

from aloft.strategies import mge, seeding, whole
from aloft.strategies.points import Cloud
from aloft.strategies.pool import Block, Ids, Logits, Pool
from aloft.strategies.seeds import derive
from aloft.strategies.strategy import NO_CLUSTER, Needs, Picks, Ranked, Strategy, picks_of
from aloft.strategies.whole import Whole


def residuals(logits: Logits) -> NDArray[np.float32]:
    """Compute a = p − [p ≥ ½] for each label: the gradient of the loss at the logits against [p ≥ ½]."""
    least = np.exp(-np.abs(logits.astype(np.float64)))
    less: NDArray[np.float32] = np.where(logits >= 0, -least / (1 + least), least / (1 + least)).astype(
        np.float32
    )
    return less


def rank(pool: Pool, size: int, seed: int) -> Ranked:
    """Score each image by the length of its gradient embedding, as `mge` does: ‖a_i‖₂ · √(‖z_i‖² + 1)."""
    return mge.rank(pool, size, seed)


def select(pool: Pool, ranked: Ranked, size: int, seed: int) -> Picks:
    """Draw the first ∝ ‖g_i‖² and each further one ∝ min_j d²(i, j) over those drawn before it.

    g_i = a_i ⊗ (z_i, 1), so d²(i, j) = ‖a_i‖²(‖z_i‖²+1) + ‖a_j‖²(‖z_j‖²+1) − 2(a_i·a_j)(z_i·z_j+1), and the
    images × (labels × features) matrix of the g_i is never made.
    """
    images, errors = _gathered(pool)
    chosen, squared = seeding.draw(Cloud(images, errors), size, derive(seed, "badge"))
    scores = np.sqrt(squared)
    clusters = np.full(len(chosen), NO_CLUSTER, dtype=np.int64)
    why = [_why(place, score, bool(scores[0])) for place, score in enumerate(scores.tolist())]
    return picks_of(images.images[chosen], scores, clusters, why, size, images.left_out)


def _why(place: int, distance: float, drawn: bool) -> str:
    if not drawn:
        return "Fills the batch: every gradient is too short to be told from 0 in single precision."
    if distance == 0:
        return "Fills the batch: the gradient of every image left is the same as one chosen before it."
    if not place:
        return f"Drawn first, by the square of the length of its gradient: {distance:.4g}."
    return f"Drawn by the square of how far its gradient is from those chosen before it: {distance:.4g}."


def _gathered(pool: Pool) -> tuple[Whole, NDArray[np.float32]]:
    parts: list[tuple[Ids, NDArray[np.float32]]] = []

    def see(block: Block) -> None:
        if block.logits is None:
            raise TypeError("this strategy reads logits, and the pool was opened without them")
        errors = residuals(block.logits)
        errors[~np.isfinite(block.logits).all(axis=1)] = np.nan
        parts.append((block.images, errors))

    images = whole.gather(pool, see)
    if not parts:
        return images, np.empty((0, 1), dtype=np.float32)
    errors = np.concatenate([part[1] for part in parts])[images.rows]
    usable = np.isfinite(errors).all(axis=1)
    left_out = images.left_out + int(np.count_nonzero(~usable))
    kept = Whole(images.images[usable], images.rows[usable], images.features, left_out)
    return kept, errors[usable]


STRATEGY = Strategy("badge", Needs(features=True, logits=True), rank, select)
