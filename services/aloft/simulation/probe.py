"""`probe`: the backbone stays as it is, and each round solves a head on its features."""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from aloft.learning import solve_head
from aloft.learning.bald import mutual_information
from aloft.networks import Head
from aloft.simulation.versions import Features, Version


class Probe:
    """Learns heads on frozen features."""

    def __init__(self, pool: Features, validation: Features, test: Features) -> None:
        self._pool = pool
        # Widened once: a head's product with half precision would widen them in every round.
        self._wide = [part.values.astype(np.float32) for part in (pool, validation, test)]

    def base(self) -> Features:
        """Give the pool's features."""
        return self._pool

    def learn(self, rows: NDArray[np.intp], targets: NDArray[np.float32], seed: int) -> Version:
        """Solve the head. Nothing is drawn: the seed makes no difference."""
        head = solve_head(self._wide[0][rows], targets)
        logits, validation, test = (head.logits(part) for part in self._wide)
        return Version(self._pool, logits, validation, test, columns_of(self._pool.values, head))


def columns_of(features: NDArray[np.float16], head: Head) -> dict[str, partial[NDArray[np.float32]]]:
    """Name what embedding writes beside the logits."""
    return {"bald": partial(mutual_information, features, head)}
