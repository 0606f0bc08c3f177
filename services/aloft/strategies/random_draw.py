"""`random`: every unlabelled image is as likely as any other. The arm that everything is judged against."""

import numpy as np

from aloft.strategies.pool import Pool
from aloft.strategies.seeds import uniform
from aloft.strategies.strategy import NO_CLUSTER, Needs, Picks, Ranked, Strategy, picks_of


def rank(pool: Pool, size: int, seed: int) -> Ranked:
    """Score each image by u(id, seed) in [0, 1), a seeded hash of its id: s_i = u_i."""
    images = [block.images for block in pool.blocks()]
    everything = np.concatenate(images) if images else np.empty(0, dtype="S16")
    return Ranked.of(everything, uniform(everything, seed))


def select(pool: Pool, ranked: Ranked, size: int, seed: int) -> Picks:
    """Pick the `size` images with the highest score: scores are drawn, so this draws without replacement."""
    count = min(size, len(ranked))
    why = [f"Drawn at random: place {place} of {len(ranked)}." for place in range(1, count + 1)]
    clusters = np.full(count, NO_CLUSTER, dtype=np.int64)
    return picks_of(ranked.images[:count], ranked.scores[:count], clusters, why, size)


STRATEGY = Strategy("random", Needs(), rank, select)
