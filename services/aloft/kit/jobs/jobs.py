"""The queue: enqueue in the caller's transaction, claim under a lease, look, cancel."""

import uuid
from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from aloft.kit.clock import SECOND
from aloft.kit.database import Transaction, Transactions
from aloft.kit.errors import NotFound
from aloft.kit.jobs.claim import claim
from aloft.kit.jobs.job import Job, State
from aloft.kit.jobs.lease import Lease
from aloft.kit.jobs.table import FRESH, JOBS, NOW, to_job
from aloft.kit.telemetry.tracing import leads, traceparent

MAX_ATTEMPTS = 5
"""How often a job is begun, its losses of a worker included, before it fails for good."""


class Jobs:
    """The jobs of one service, in its own database."""

    def __init__(self, database: Transactions) -> None:
        self.database = database

    def enqueue(
        self,
        tx: Transaction,
        kind: str,
        campaign: str,
        payload: Mapping[str, Any],
        *,
        dedupe: str | None = None,
        delay_s: float = 0.0,
        max_attempts: int = MAX_ATTEMPTS,
    ) -> str:
        """Queue a job in the caller's transaction and say its id.

        With `dedupe`, one of the same kind, campaign and `dedupe` that has not begun yet is joined instead:
        it begins after this transaction, and so sees what it wrote. It goes on in the trace of whoever
        queued it, unless this one is `leading`.
        """
        insert = sqlite.insert if tx.on_sqlite else postgresql.insert
        due = NOW + round(delay_s * SECOND)
        fresh = insert(JOBS).values(
            id=str(uuid.uuid4()),
            kind=kind,
            campaign=campaign,
            dedupe=dedupe,
            payload=dict(payload),
            traceparent=traceparent(),
            state=State.QUEUED,
            epoch=0,
            attempts=0,
            max_attempts=max_attempts,
            not_before_us=due,
            progress={},
            cancel_requested=False,
            created_us=NOW,
        )
        sooner = sa.case(
            (fresh.excluded.not_before_us < JOBS.c.not_before_us, fresh.excluded.not_before_us),
            else_=JOBS.c.not_before_us,
        )
        change: dict[str, Any] = {"not_before_us": sooner}
        if leads():
            change["traceparent"] = fresh.excluded.traceparent
        joined = fresh.on_conflict_do_update(
            index_elements=["kind", "campaign", "dedupe"], index_where=FRESH, set_=change
        )
        job: str = tx.execute(joined.returning(JOBS.c.id)).scalar_one()
        tx.on_commit(self.database.wake("jobs").set)
        return job

    def claim(self, kinds: Collection[str], worker: str, lease_s: float) -> Lease | None:
        """Take the next due job of these kinds for `lease_s` seconds, or None.

        Campaigns with fewer running jobs come first, then the oldest job. One whose lease ran out is due.
        """
        with self.database.transaction() as tx:
            job = claim(tx, kinds, worker, lease_s)
        return None if job is None else Lease(self.database, job, lease_s)

    def get(self, tx: Transaction, job: str) -> Job:
        """Read one job, or raise `NotFound`."""
        row = tx.execute(sa.select(JOBS).where(JOBS.c.id == job)).mappings().first()
        if row is None:
            raise NotFound("JOB_NOT_FOUND", f"no job {job!r}", job=job)
        return to_job(row)

    def list(
        self,
        tx: Transaction,
        *,
        campaign: str | None = None,
        kinds: Collection[str] | None = None,
        states: Collection[State] | None = None,
        limit: int = 50,
        after: str | None = None,
    ) -> list[Job]:
        """Read jobs, newest first; `after` is the id of the last one of the page before."""
        wanted = sa.select(JOBS).order_by(JOBS.c.number.desc()).limit(limit)
        if campaign is not None:
            wanted = wanted.where(JOBS.c.campaign == campaign)
        if kinds is not None:
            wanted = wanted.where(JOBS.c.kind.in_(kinds))
        if states is not None:
            wanted = wanted.where(JOBS.c.state.in_(states))
        if after is not None:
            last = sa.select(JOBS.c.number).where(JOBS.c.id == after).scalar_subquery()
            wanted = wanted.where(JOBS.c.number < last)
        return [to_job(row) for row in tx.execute(wanted).mappings()]

    def cancel(self, tx: Transaction, job: str) -> Job:
        """End a queued job now, ask a running one's handler to stop, leave an ended one as it is."""
        tx.execute(
            sa.update(JOBS)
            .where(JOBS.c.id == job, JOBS.c.state.in_([State.QUEUED, State.RUNNING]))
            .values(
                cancel_requested=True,
                state=sa.case((JOBS.c.state == State.QUEUED, State.CANCELLED), else_=JOBS.c.state),
                ended_us=sa.case((JOBS.c.state == State.QUEUED, NOW)),
            )
        )
        return self.get(tx, job)
