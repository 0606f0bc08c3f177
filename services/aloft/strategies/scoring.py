"""Ranks a pool by a score, block by block, and joins the scores of single labels."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from aloft.strategies.pool import Block, Pool
from aloft.strategies.strategy import Ranked
from aloft.strategies.weights import Weights

Scores = NDArray[np.float64]

Scorer = Callable[[Block], Scores]
"""Gives a number for each image of a block, best first; NaN for one that has none."""

PerLabel = Callable[[Scores], Scores]
"""(finite logits, a row an image and a column a label): a number for each of them, in [0, 1]."""


def rank(pool: Pool, scorer: Scorer) -> Ranked:
    """Order a pool by its scores. An image whose score is no finite number is left out and counted."""
    # Written where they stay: a list of parts would hold a pool twice while it is put together.
    images, scores = np.empty(pool.most, dtype="S16"), np.empty(pool.most)
    kept = seen = 0
    for block in pool.blocks():
        scored = scorer(block)
        if scored.shape != (len(block),):
            raise TypeError(f"a score gave {scored.shape} numbers for a block of {len(block)} images")
        usable = np.isfinite(scored)
        part = slice(kept, kept + int(np.count_nonzero(usable)))
        images[part], scores[part] = block.images[usable], scored[usable]
        kept, seen = part.stop, seen + len(block)
    return Ranked.of(images[:kept], scores[:kept], seen - kept)


def joined(per_label: PerLabel, largest: bool, weights: Weights | None, block: Block) -> Scores:
    """Join the labels of an image: u = max_c u_c, or Σ_c w_c u_c / C, where w = 1 makes it the mean."""

    def join(logits: Scores) -> Scores:
        scores = per_label(logits)
        if largest:
            return np.asarray(scores.max(axis=1))
        weighed = scores if weights is None else scores * weights
        # Sums over single rows: the same to the last bit wherever the pool is cut into blocks.
        return np.asarray(np.ascontiguousarray(weighed).sum(axis=1) / scores.shape[1])

    return of_logits(block, join)


def of_logits(block: Block, score: Callable[[Scores], Scores]) -> Scores:
    """Score the images of a block whose logits are all finite numbers; the others get NaN."""
    if block.logits is None:
        raise TypeError("this strategy reads logits, and the pool was opened without them")
    usable = np.isfinite(block.logits).all(axis=1)
    logits = block.logits if usable.all() else block.logits[usable]
    scores = np.full(len(block), np.nan)
    scores[usable] = score(np.ascontiguousarray(logits, dtype=np.float64))
    return scores


def sigmoid(logits: NDArray[np.floating]) -> Scores:
    """Compute σ(logit) = 1 / (1 + e^−logit), which overflows nowhere."""
    values = np.ascontiguousarray(logits, dtype=np.float64)
    least = np.exp(-np.abs(values))
    found = 1 + least
    np.divide(np.where(values < 0, least, 1.0), found, out=found)
    return found
