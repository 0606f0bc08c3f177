"""`mge`: the magnitude of the approximated gradient embedding, an uncertainty from logits and norms alone.

For many labels by Möllenbrok & Demir (arXiv:2212.01165), from the gradient embeddings of BADGE: Ash, Zhang,
Krishnamurthy, Langford & Agarwal, ICLR 2020 (arXiv:1906.03671). With `kmeans` it is their query of
arXiv:2306.06908 as far as it is known.
"""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from aloft.strategies import scoring
from aloft.strategies.pool import Block, Logits, Norms, Pool
from aloft.strategies.scoring import Scorer, Scores
from aloft.strategies.strategy import Ranked
from aloft.strategies.weights import Weights


def magnitudes(logits: Logits, norms: Norms, weights: Weights | None = None) -> NDArray[np.float64]:
    """Compute u_i = ‖w ⊙ a_i‖₂ · √(‖z_i‖² + 1), with a = p − [p ≥ ½], p = σ(logits), and w = 1 unless given.

    It is the length of the gradient of binary cross-entropy against the network's own prediction [p ≥ ½] at
    the last layer, its bias included: that gradient is the outer product of w ⊙ a and (z, 1).
    """
    # |a_c| = min(p_c, 1 − p_c) = σ(−|logit_c|), which neither overflows nor cancels, so that single precision
    # keeps seven digits of it. In place: the arrays of a block stay in the cache.
    residual = np.abs(logits, dtype=np.float32, order="C")
    np.negative(residual, out=residual)
    np.exp(residual, out=residual)
    np.divide(residual, 1 + residual, out=residual)
    if weights is not None:
        residual *= weights.astype(np.float32)
    # Sums over single rows: the same to the last bit wherever the pool is cut into blocks.
    exact = residual.astype(np.float64)
    squared = np.einsum("ic,ic->i", exact, exact)
    scores: NDArray[np.float64] = np.sqrt(squared * (np.square(norms.astype(np.float64)) + 1))
    return scores


def scorer(pool: Pool, weights: Weights | None = None) -> Scorer:
    """Score each image by u_i; one whose logits or norm are not finite numbers has none."""
    return partial(score, weights=weights)


def rank(pool: Pool, size: int, seed: int) -> Ranked:
    """Rank a pool by it."""
    return scoring.rank(pool, score)


def score(block: Block, weights: Weights | None = None) -> Scores:
    """Score a block."""
    if block.logits is None or block.norms is None:
        raise TypeError("this strategy reads logits and norms, and the pool was opened without them")
    finite, normal = np.isfinite(block.logits), np.isfinite(block.norms)
    if finite.all() and normal.all():
        return magnitudes(block.logits, block.norms, weights)
    usable = finite.all(axis=1) & normal
    scores = np.full(len(block), np.nan)
    scores[usable] = magnitudes(block.logits[usable], block.norms[usable], weights)
    return scores
