"""Makes the logits of every shard that has none under a version: one matrix product each, no image opened."""

import logging

import numpy as np

from aloft.embedding import metrics
from aloft.embedding.domain import Model
from aloft.embedding.store import shards
from aloft.embedding.use_cases.artefacts import Artefacts
from aloft.kit.database.database import Transactions
from aloft.kit.errors import Aborted
from aloft.kit.jobs import Lease
from aloft.kit.objects.errors import ObjectMissing
from aloft.kit.objects.port import Objects
from aloft.networks import Head
from aloft.shards import (
    LogitShard,
    Rows,
    Shard,
    ShardDamaged,
    logit_shard_key,
    read_shard,
    write_logits,
)

log = logging.getLogger(__name__)


def score_shards(
    lease: Lease, database: Transactions, objects: Objects, model: Model, artefacts: Artefacts
) -> None:
    """Score shard after shard, each of which counts once it is written: a repeat goes on behind them."""
    campaign = lease.job.campaign
    with database.read() as tx:
        unscored = shards.unscored(tx, campaign, model)
    done, total = 0, sum(shard.rows for _, shard in unscored)
    if not unscored:
        return
    head = artefacts.head(model)
    for part, shard in unscored:
        lease.heartbeat(done=done, total=total, stage="logits")
        with metrics.stage("score"):
            rows = _read(lease, objects, model, part, shard)
            beside = _write(lease, objects, model, part, rows, head)
        with lease.transaction() as tx:
            shards.add_logits(tx, campaign, model.version, part, shard, beside)
        done += shard.rows
        metrics.SCORED.inc(shard.rows)


def _read(lease: Lease, objects: Objects, model: Model, part: int, shard: Shard) -> Rows:
    try:
        return read_shard(objects, shard, model.feature_size)
    except (ShardDamaged, ObjectMissing) as error:
        with lease.transaction() as tx:
            shards.drop(tx, lease.job.campaign, model.backbone, part)
        metrics.DAMAGED.inc()
        log.error("the features of %d images are made anew: %s", shard.rows, error)
        raise Aborted("SHARD_DAMAGED", f"{error}; the features of its images are made anew") from error


def _write(lease: Lease, objects: Objects, model: Model, part: int, rows: Rows, head: Head) -> LogitShard:
    # Features that are not finite make logits that are not: for whoever reads them to leave out.
    with np.errstate(invalid="ignore", over="ignore"):
        logits = head.logits(rows.features)
    attempt = f"{lease.job.id}-{lease.job.epoch}"
    key = logit_shard_key(lease.job.campaign, model.version, part, attempt)
    return write_logits(objects, key, rows, logits)
