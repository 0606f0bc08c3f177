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
        """Solve the head. Nothing is drawn for it; what is beside the logits is drawn from the seed."""
        head = solve_head(self._wide[0][rows], targets)
        logits, validation, test = (head.logits(part) for part in self._wide)
        columns = {
            "bald": partial(mutual_information, self._pool.values, head, seed=seed),
            "mll": partial(self._foretold, rows, targets, head, seed),
        }
        return Version(self._pool, logits, validation, test, columns)

    def _foretold(
        self, rows: NDArray[np.intp], targets: NDArray[np.float32], head: Head, seed: int
    ) -> NDArray[np.float32]:
        from aloft.learning.loss_head import fit  # only here: it loads torch, which a probe does without

        return fit(self._wide[0][rows], targets, head, seed).predict(self._wide[0])
