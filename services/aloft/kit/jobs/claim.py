"""Which job comes next, and what becomes of those whose worker was lost."""

from collections.abc import Collection

import sqlalchemy as sa

from aloft.kit.clock import SECOND
from aloft.kit.database import Transaction
from aloft.kit.jobs import metrics
from aloft.kit.jobs.job import Job, State
from aloft.kit.jobs.table import JOBS, LIVE, NOW, to_job


def claim(tx: Transaction, kinds: Collection[str], worker: str, lease_s: float) -> Job | None:
    """Give the next due job to a worker. Abandoned ones that may not be begun again are ended on the way."""
    while (job := _next_due(tx, kinds)) is not None:
        if job.state is State.RUNNING:
            metrics.LEASES_LOST.inc()
        if job.cancel_requested:
            _end(tx, job, State.CANCELLED, None)
        elif job.attempts >= job.max_attempts:
            _end(
                tx, job, State.FAILED, f"WORKER_LOST: its worker was lost at each of {job.attempts} attempts"
            )
        else:
            return _begin(tx, job, worker, lease_s)
    return None


def _next_due(tx: Transaction, kinds: Collection[str]) -> Job | None:
    busy = (
        sa.select(JOBS.c.campaign, sa.func.count().label("jobs"))
        .where(LIVE, JOBS.c.state == State.RUNNING, JOBS.c.lease_until_us > NOW)
        .group_by(JOBS.c.campaign)
        .subquery("busy")
    )
    waiting = sa.and_(JOBS.c.state == State.QUEUED, JOBS.c.not_before_us <= NOW)
    abandoned = sa.and_(JOBS.c.state == State.RUNNING, JOBS.c.lease_until_us <= NOW)
    row = tx.execute(
        sa.select(JOBS)
        .select_from(JOBS.outerjoin(busy, busy.c.campaign == JOBS.c.campaign))
        .where(LIVE, JOBS.c.kind.in_(kinds), sa.or_(waiting, abandoned))
        .order_by(sa.func.coalesce(busy.c.jobs, 0), JOBS.c.number)
        .limit(1)
        .with_for_update(of=JOBS, skip_locked=True)
    )
    first = row.mappings().first()
    return None if first is None else to_job(first)


def _begin(tx: Transaction, job: Job, worker: str, lease_s: float) -> Job:
    begun = tx.execute(
        sa.update(JOBS)
        .where(JOBS.c.id == job.id)
        .values(
            state=State.RUNNING,
            epoch=JOBS.c.epoch + 1,
            attempts=JOBS.c.attempts + 1,
            worker=worker,
            lease_until_us=NOW + round(lease_s * SECOND),
            started_us=sa.func.coalesce(JOBS.c.started_us, NOW),
        )
        .returning(JOBS)
    )
    return to_job(begun.mappings().one())


def _end(tx: Transaction, job: Job, state: State, error: str | None) -> None:
    tx.execute(
        sa.update(JOBS)
        .where(JOBS.c.id == job.id)
        .values(state=state, error=error or JOBS.c.error, ended_us=NOW, worker=None, lease_until_us=None)
    )
