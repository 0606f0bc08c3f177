"""`rare_positive`: what an image is expected to bring of labels that few images have so far."""

from functools import partial

import numpy as np

from aloft.strategies import scoring
from aloft.strategies.pool import Block, Pool
from aloft.strategies.scoring import Scorer, Scores
from aloft.strategies.weights import Weights


def scorer(pool: Pool, weights: Weights) -> Scorer:
    """Score each image by s_i = Σ_c w_c p_ic, with p = σ(logits) and w the weights of `class_balanced`.

    It is no uncertainty: an image that is surely of a rare label comes first. `class_balanced` around it is
    what it has anyway.
    """
    return partial(score, weights=weights)


def score(block: Block, weights: Weights) -> Scores:
    """Score a block."""
    return scoring.of_logits(block, partial(_expected, weights=weights))


def _expected(logits: Scores, weights: Weights) -> Scores:
    # Sums over single rows: the same to the last bit wherever the pool is cut into blocks.
    return np.asarray((scoring.sigmoid(logits) * weights).sum(axis=1))
