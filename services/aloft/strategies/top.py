"""No diversity: the best-scored images are the batch."""

import numpy as np

from aloft.strategies.pool import Pool
from aloft.strategies.strategy import NO_CLUSTER, Picks, Ranked, picks_of


def select(pool: Pool, ranked: Ranked, size: int, seed: int) -> Picks:
    """Pick the `size` images with the highest score; ties go to the lower image id."""
    count = min(size, len(ranked))
    why = [f"Number {place} of {len(ranked)} by its score." for place in range(1, count + 1)]
    clusters = np.full(count, NO_CLUSTER, dtype=np.int64)
    return picks_of(ranked.images[:count], ranked.scores[:count], clusters, why, size, ranked.left_out)
