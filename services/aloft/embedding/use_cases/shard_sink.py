"""Gathers features into shards and makes each count, beside the network that is computing the next."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from types import TracebackType

import numpy as np

from aloft.api.events.v1 import events_pb2 as events
from aloft.embedding import metrics
from aloft.embedding.domain import Plan
from aloft.embedding.store import images as image_rows
from aloft.embedding.store import shards
from aloft.embedding.use_cases.pipeline import Batch
from aloft.embedding.use_cases.scoring import Scorer
from aloft.kit.bus import outbox
from aloft.kit.database import Transaction
from aloft.kit.jobs import Lease
from aloft.kit.names import IMAGE
from aloft.kit.objects.port import Objects
from aloft.pool_images import PoolImage, Rejected
from aloft.shards import Shard, feature_shard_key, read_shard, write_shard

LARGEST = float(np.finfo(np.float16).max)
"""What a shard can hold of a feature; all else is not finite there."""


class ShardSink:
    """Holds a shard that fills and at most one that is being written. Leaving waits for the last.

    With a scorer, stages of the network lie behind the features, and logits are written with them.
    """

    def __init__(
        self, lease: Lease, objects: Objects, plan: Plan, shard_images: int, scorer: Scorer | None = None
    ) -> None:
        self._lease = lease
        self._objects = objects
        self._scorer = scorer
        self._plan = plan
        self._shard_images = shard_images
        self._part = plan.next_part
        self._batches: list[Batch] = []
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="shards")
        self._writing: Future[None] | None = None

    def __enter__(self) -> "ShardSink":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._thread:
            if error is None:
                self._flush()
                self._wait()

    def add(self, batch: Batch) -> None:
        """Take a batch; a shard that is full is written."""
        self._batches.append(batch)
        good = sum(len(each.images) for each in self._batches)
        bad = sum(len(each.rejected) for each in self._batches)
        if max(good, bad) >= self._shard_images:
            self._flush()

    @property
    def empty(self) -> bool:
        """Whether every image it took is in a shard that is written or being written."""
        return not self._batches

    def _flush(self) -> None:
        self._wait()
        if self._batches:
            self._writing = self._thread.submit(self._write, self._part, self._batches)
            self._part += any(batch.images for batch in self._batches)
            self._batches = []

    def _wait(self) -> None:
        if self._writing is not None:
            self._writing.result()
            self._writing = None

    def _write(self, part: int, batches: Sequence[Batch]) -> None:
        images = [image for batch in batches for image in batch.images]
        rejected = [each for batch in batches for each in batch.rejected]
        campaign, backbone = self._lease.job.campaign, self._plan.model.backbone
        with metrics.stage("write"):
            shard = self._store(part, images, batches) if images else None
            with self._lease.transaction() as tx:
                if shard is not None:
                    shards.add(tx, campaign, backbone, part, shard, images)
                    if self._scorer and shard.logits:
                        self._scorer.count(tx, part, shard, shard.logits)
                for each in rejected:
                    quarantine(tx, campaign, each)
        metrics.IMAGES.inc(len(images))

    def _store(self, part: int, images: Sequence[PoolImage], batches: Sequence[Batch]) -> Shard:
        job, size = self._lease.job, self._plan.model.feature_size
        key = feature_shard_key(job.campaign, self._plan.model.backbone, part, f"{job.id}-{job.epoch}")
        computed = np.concatenate([batch.features for batch in batches if batch.images])
        features, stages = np.split(computed, [size], axis=1)
        finite = (np.abs(features) <= LARGEST).all(axis=1)
        metrics.NOT_FINITE.inc(len(images) - int(finite.sum()))
        shard = write_shard(self._objects, key, [image.id for image in images], features)
        if self._scorer is None:
            return shard
        rows = read_shard(self._objects, shard, size)
        return replace(shard, logits=self._scorer.write(part, rows, stages))


def quarantine(tx: Transaction, campaign: str, rejected: Rejected) -> None:
    """Mark an image as unusable and announce it, unless it was registered anew since it was read."""
    if not image_rows.quarantine(tx, campaign, rejected):
        return
    image = rejected.image
    event = events.ImageQuarantined(
        campaign=campaign,
        image=image.id,
        image_version=image.version,
        reason=rejected.reason.value,
        detail=rejected.detail,
    )
    outbox.emit(tx, campaign, event, subject=IMAGE.format(campaign, image.id))
    tx.on_commit(metrics.QUARANTINED.labels(rejected.reason.value).inc)
