"""Makes the logits of every shard that has none under a version: one matrix product each, no image opened."""

import logging

from aloft.embedding import metrics
from aloft.embedding.domain import Model, Plan
from aloft.embedding.store import shards
from aloft.embedding.use_cases.artefacts import Artefacts
from aloft.embedding.use_cases.scoring import Scorer
from aloft.kit.database.database import Transactions
from aloft.kit.errors import Aborted
from aloft.kit.jobs import Lease
from aloft.kit.objects.errors import ObjectMissing
from aloft.kit.objects.port import Objects
from aloft.shards import Rows, Shard, ShardDamaged, read_shard

log = logging.getLogger(__name__)


def score_shards(
    lease: Lease, database: Transactions, objects: Objects, plan: Plan, artefacts: Artefacts
) -> None:
    """Score shard after shard, each of which counts once it is written: a repeat goes on behind them."""
    with database.read() as tx:
        unscored = shards.unscored(tx, lease.job.campaign, plan.model, plan.columns)
    done, total = 0, sum(shard.rows for _, shard in unscored)
    if not unscored:
        return
    scorer = Scorer(lease, objects, plan, artefacts.heads(plan.model))
    for part, shard in unscored:
        lease.heartbeat(done=done, total=total, stage="logits")
        beside = scorer.write(part, _read(lease, objects, plan.model, part, shard))
        with lease.transaction() as tx:
            scorer.count(tx, part, shard, beside)
        done += shard.rows


def _read(lease: Lease, objects: Objects, model: Model, part: int, shard: Shard) -> Rows:
    try:
        with metrics.stage("score"):
            return read_shard(objects, shard, model.feature_size)
    except (ShardDamaged, ObjectMissing) as error:
        with lease.transaction() as tx:
            shards.drop(tx, lease.job.campaign, model.backbone, part)
        metrics.DAMAGED.inc()
        log.error("the features of %d images are made anew: %s", shard.rows, error)
        raise Aborted("SHARD_DAMAGED", f"{error}; the features of its images are made anew") from error
