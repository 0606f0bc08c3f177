"""`mge`: the magnitude of the approximated gradient embedding, an uncertainty from logits and norms alone."""

import numpy as np
from numpy.typing import NDArray

from aloft.strategies.pool import Block, Ids, Logits, Norms, Pool
from aloft.strategies.strategy import Ranked


def magnitudes(logits: Logits, norms: Norms) -> NDArray[np.float64]:
    """Compute u_i = ‖a_i‖₂ · √(‖z_i‖² + 1), with a = p − [p ≥ ½] and p = σ(logits).

    It is the length of the gradient of binary cross-entropy against the network's own prediction [p ≥ ½] at
    the last layer, its bias included: that gradient is the outer product of a and (z, 1).
    """
    # |a_c| = min(p_c, 1 − p_c) = σ(−|logit_c|), which neither overflows nor cancels.
    least = np.exp(-np.abs(np.ascontiguousarray(logits, dtype=np.float64)))
    residual = least / (1 + least)
    # Sums over single rows: the same to the last bit wherever the pool is cut into blocks.
    squared = np.square(residual).sum(axis=1)
    scores: NDArray[np.float64] = np.sqrt(squared * (np.square(norms.astype(np.float64)) + 1))
    return scores


def rank(pool: Pool, size: int, seed: int) -> Ranked:
    """Score each image by u_i. One whose logits or norm are not finite numbers is left out and counted."""
    parts = [_scored(block) for block in pool.blocks()]
    if not parts:
        return Ranked(np.empty(0, dtype="S16"), np.empty(0))
    images, scores = (np.concatenate(column) for column in zip(*parts, strict=True))
    usable = ~np.isnan(scores)
    left_out = len(images) - int(np.count_nonzero(usable))
    return Ranked.of(images[usable], scores[usable], left_out)


def _scored(block: Block) -> tuple[Ids, NDArray[np.float64]]:
    if block.logits is None or block.norms is None:
        raise TypeError("this strategy reads logits and norms, and the pool was opened without them")
    usable = np.isfinite(block.logits).all(axis=1) & np.isfinite(block.norms)
    scores = np.full(len(block), np.nan)
    scores[usable] = magnitudes(block.logits[usable], block.norms[usable])
    return block.images, scores
