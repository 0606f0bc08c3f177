"""`random_balanced`: a random draw that favours rare labels, and looks at nothing else.

The arm that says how much of a strategy's gain is no more than balance. Under a base version, which expects
nothing, it is `random`.
"""

from functools import partial

import numpy as np

from aloft.strategies import rare_positive, scoring
from aloft.strategies.pool import Block, Pool
from aloft.strategies.scoring import Scores
from aloft.strategies.seeds import uniform
from aloft.strategies.strategy import NO_CLUSTER, Needs, Picks, Ranked, Strategy, picks_of
from aloft.strategies.weights import Weights, class_balanced

_LEAST = 1e-300
"""What no image is expected to bring less than: one that brings nothing is drawn last, and at random."""


def rank(pool: Pool, size: int, seed: int) -> Ranked:
    """Draw without replacement, each next image ∝ s_i = Σ_c w_c p_ic among those that are left.

    By the keys of Efraimidis & Spirakis (Information Processing Letters 97, 2006): the largest u_i^(1/s_i),
    with u_i in (0, 1] a seeded hash of the image's id. The score is the logarithm, ln(u_i) / s_i.
    """
    return scoring.rank(pool, partial(_keys, weights=class_balanced(pool.known), seed=seed))


def _keys(block: Block, weights: Weights, seed: int) -> Scores:
    expected = rare_positive.score(block, weights)
    return np.asarray(np.log1p(-uniform(block.images, seed)) / np.maximum(expected, _LEAST))


def select(pool: Pool, ranked: Ranked, size: int, seed: int) -> Picks:
    """Pick the `size` images that were drawn first."""
    count = min(size, len(ranked))
    why = [
        f"Drawn in favour of rare labels: place {place} of {len(ranked)}." for place in range(1, count + 1)
    ]
    clusters = np.full(count, NO_CLUSTER, dtype=np.int64)
    return picks_of(ranked.images[:count], ranked.scores[:count], clusters, why, size, ranked.left_out)


STRATEGY = Strategy("random_balanced", Needs(logits=True), rank, select)
