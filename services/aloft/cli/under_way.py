"""What of a campaign is under way: how far it is, and how long the rest takes."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from google.protobuf.timestamp_pb2 import Timestamp

from aloft.api.embedding.v1.embedding_service_pb2 import Pool
from aloft.cli.reasons import duration
from aloft.cli.snapshot import Snapshot


class UnderWay(NamedTuple):
    """A batch, a run, or the embedding of the pool."""

    what: str
    done: float
    of: float
    said: str
    """In a sentence, with the time that is left where there is a pace."""

    @property
    def part(self) -> float:
        """From 0 to 1."""
        return self.done / self.of if self.of else 0.0


def under_way(seen: Snapshot) -> Sequence[UnderWay]:
    """Say what is under way."""
    return [*_batch(seen), *_run(seen), *_pool(seen)]


def _batch(seen: Snapshot) -> Sequence[UnderWay]:
    if seen.labels is None or seen.labels.batch is None:
        return ()
    batch, leased = seen.labels.batch, seen.labels.progress.leased_tasks
    done, of = batch.labelled_images + batch.skipped_images, batch.accepted_images
    left = _left(batch.create_time, seen.at, done, of)
    return [
        UnderWay(
            _named("batch", batch.name), done, of, f"{done} of {of} labelled, {leased} tasks leased{left}"
        )
    ]


def _run(seen: Snapshot) -> Sequence[UnderWay]:
    if seen.training is None or seen.training.run is None:
        return ()
    run = seen.training.run
    left = _left(run.create_time, seen.at, run.progress, 1.0)
    return [
        UnderWay(
            _named("run", run.name), run.progress, 1.0, f"{run.stage or 'queued'} {run.progress:.0%}{left}"
        )
    ]


def _pool(seen: Snapshot) -> Sequence[UnderWay]:
    if seen.pool is None or seen.pool.embedded_images >= _usable(seen.pool):
        return ()
    pool, usable = seen.pool, _usable(seen.pool)
    said = f"{pool.embedded_images} of {usable} images under version {pool.model_version}"
    return [UnderWay("pool", pool.embedded_images, usable, said)]


def _usable(pool: Pool) -> int:
    return pool.registered_images - pool.quarantined_images


def _named(what: str, name: str) -> str:
    return f"{what} {name.rsplit('/', 1)[-1]}"


def _left(since: Timestamp, now: datetime, done: float, total: float) -> str:
    """Say how long the rest takes at the pace so far; nothing where there is no pace yet."""
    elapsed = now.timestamp() - since.ToNanoseconds() / 1e9
    if done <= 0 or elapsed <= 0 or done >= total:
        return ""
    return f", about {duration(elapsed * (total - done) / done)} left"
