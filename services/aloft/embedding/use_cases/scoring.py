"""Makes the logits of a shard, and what a strategy needs beside them that takes the version's weights."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from aloft.embedding import metrics
from aloft.embedding.domain import BALD, MLL, Plan
from aloft.embedding.store import shards
from aloft.embedding.use_cases.artefacts import Heads
from aloft.kit.database import Transaction
from aloft.kit.jobs import Lease
from aloft.kit.objects.port import Objects
from aloft.learning.bald import mutual_information
from aloft.shards import LogitShard, Rows, Shard, logit_shard_key, write_logits


class Scorer:
    """Scores shards for one attempt, with the heads of the version of its plan."""

    def __init__(self, lease: Lease, objects: Objects, plan: Plan, heads: Heads) -> None:
        self._lease = lease
        self._objects = objects
        self._model = plan.model
        self._columns = plan.columns
        self._heads = heads

    def write(self, part: int, rows: Rows, stages: NDArray[np.float32] | None = None) -> LogitShard:
        """Store the logits and the columns of a shard. `stages` are its rows' where losses hang on them."""
        with metrics.stage("score"):
            # Features that are not finite make logits that are not: for whoever reads them to leave out.
            with np.errstate(invalid="ignore", over="ignore"):
                logits = self._heads.head.logits(rows.features)
            job = self._lease.job
            key = logit_shard_key(job.campaign, self._model.version, part, f"{job.id}-{job.epoch}")
            return write_logits(self._objects, key, rows, logits, self._made(rows, stages))

    def count(self, tx: Transaction, part: int, shard: Shard, beside: LogitShard) -> None:
        """Make what was written count."""
        campaign, version = self._lease.job.campaign, self._model.version
        shards.add_logits(tx, campaign, version, part, shard, beside, self._columns)
        tx.on_commit(lambda: metrics.SCORED.inc(shard.rows))

    def _made(self, rows: Rows, stages: NDArray[np.float32] | None) -> Mapping[str, NDArray[np.float32]]:
        made = {}
        if BALD in self._columns:
            seed = self._model.mask_seed
            made[BALD] = mutual_information(rows.features, self._heads.head, seed=seed)
        if MLL in self._columns and self._heads.losses is not None:
            made[MLL] = self._heads.losses.predict(rows.features if stages is None else stages)
        return made
