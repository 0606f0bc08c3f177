"""A worker's hold on a job: the only way to write on the job's behalf, and worth nothing once it is lost."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Any

import sqlalchemy as sa

from aloft.kit.clock import SECOND
from aloft.kit.database import Transaction, Transactions
from aloft.kit.jobs import metrics
from aloft.kit.jobs.job import Cancelled, HandedBack, Job, LeaseLost, Progress, State
from aloft.kit.jobs.table import JOBS, NOW
from aloft.kit.telemetry.tracing import Attributes, describe

BACKOFF_S = (1.0, 300.0)
"""Wait before the second attempt, doubled for each one after, and the longest wait."""
OUTAGE_WAIT_S = 5.0
"""Wait after an attempt that ended because something it needs was away."""


def told_of(fields: Mapping[str, Any]) -> Attributes:
    """Say which batch and version a job's payload, or its result, speaks of: its span is found by them."""
    return {f"aloft.{name}": int(fields[name]) for name in ("batch", "version") if name in fields}


class Lease:
    """One attempt at a job. `heartbeat` may be called by another thread than the one that works."""

    def __init__(self, database: Transactions, job: Job, lease_s: float) -> None:
        self._database = database
        self.job = job
        self.lease_s = lease_s
        self.ended = False
        self.leaving = threading.Event()
        """Set when this process is told to end."""
        self._begun_us = (job.lease_until_us or 0) - round(lease_s * SECOND)
        self._progress = job.progress
        self._saying = threading.Lock()

    @property
    def progress(self) -> Progress:
        """How far the job is, earlier attempts included: where to resume."""
        return self._progress

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Open a transaction that commits only if the lease still holds, or raises `LeaseLost`."""
        with self._database.transaction() as tx:
            # Told early, a stale worker does little in vain. The check that counts holds the row's lock, and
            # comes last: whoever locks a campaign's row and a job's does it in that order.
            self._check(tx, sa.select(JOBS.c.id))
            yield tx
            self._check(tx, sa.select(JOBS.c.id).with_for_update())

    @contextmanager
    def finish(self, result: Mapping[str, Any] | None = None) -> Iterator[Transaction]:
        """Like `transaction`, and the job ends as succeeded in it."""
        with self._database.transaction() as tx:
            self._check(tx, sa.select(JOBS.c.id))
            yield tx
            self._end(tx, State.SUCCEEDED, result=dict(result or {}), error=None)
        describe(told_of(result or {}))
        self.ended = True

    def heartbeat(
        self,
        *,
        done: int | None = None,
        total: int | None = None,
        stage: str | None = None,
        note: str | None = None,
    ) -> None:
        """Say that the worker lives and how far it is.

        Raises `LeaseLost`; `Cancelled` on request; `HandedBack` when this process is told to end.
        """
        said: dict[str, Any] = {"done": done, "total": total, "stage": stage, "note": note}
        with self._saying:
            progress = replace(
                self._progress, **{name: value for name, value in said.items() if value is not None}
            )
            if self._extend(progress):
                raise Cancelled(self.job.id)
        if self.leaving.is_set():
            raise HandedBack(self.job.id)

    def keep(self) -> None:
        """Say only that the worker lives: `LeaseLost` if another has the job."""
        with self._saying:
            self._extend(self._progress)

    def fail(self, error: str, retry: bool, *, outage: bool = False) -> State:
        """End the attempt with a reason, to be tried again after a while or failed for good. Say which.

        An `outage` of what the job needs is not the job's fault: the attempt does not count, however often.
        """
        with self._database.transaction() as tx:
            cancelled = self._update(tx, error=error).cancel_requested
            if outage and not cancelled:
                state = State.QUEUED
                later = NOW + round(OUTAGE_WAIT_S * SECOND)
                allowed = self.job.max_attempts + 1
                self._end(tx, state, ended_us=None, not_before_us=later, max_attempts=allowed)
            elif not retry or self.job.attempts >= self.job.max_attempts:
                state = State.FAILED
                self._end(tx, state)
            elif cancelled:
                state = State.CANCELLED
                self._end(tx, state)
            else:
                state = State.QUEUED
                # Bounded, because past a thousand doublings there is no number to compare with.
                wait = min(BACKOFF_S[1], BACKOFF_S[0] * 2 ** min(self.job.attempts - 1, 30))
                self._end(tx, state, ended_us=None, not_before_us=NOW + round(wait * SECOND))
        self.ended = True
        return state

    def cancelled(self) -> None:
        """End the job as cancelled."""
        with self._database.transaction() as tx:
            self._end(tx, State.CANCELLED)
        self.ended = True

    def hand_back(self) -> None:
        """Give the job to whoever asks next, as if this attempt had not been."""
        with self._database.transaction() as tx:
            allowed = self.job.max_attempts + 1
            self._end(tx, State.QUEUED, ended_us=None, not_before_us=NOW, max_attempts=allowed)
        self.ended = True

    def _extend(self, progress: Progress) -> bool:
        with self._database.transaction() as tx:
            until = NOW + round(self.lease_s * SECOND)
            said = self._update(tx, lease_until_us=until, progress=asdict(progress))
        self._progress = progress
        return bool(said.cancel_requested)

    def _end(self, tx: Transaction, state: State, **values: Any) -> None:
        change = {"ended_us": NOW, **values, "state": state, "worker": None, "lease_until_us": None}
        self._update(tx, **change)
        seconds = (tx.now() - self._begun_us) / SECOND
        outcome = "retried" if state is State.QUEUED else state.value
        tx.on_commit(lambda: metrics.SECONDS.labels(self.job.kind, outcome).observe(seconds))

    def _update(self, tx: Transaction, **values: Any) -> sa.Row[Any]:
        change = sa.update(JOBS).where(*self._mine).values(**values)
        row = tx.execute(change.returning(JOBS.c.cancel_requested)).first()
        if row is None:
            raise LeaseLost(self.job.id, self.job.epoch)
        return row

    def _check(self, tx: Transaction, mine: sa.Select[str]) -> None:
        if tx.execute(mine.where(*self._mine)).first() is None:
            raise LeaseLost(self.job.id, self.job.epoch)

    @property
    def _mine(self) -> tuple[sa.ColumnElement[bool], ...]:
        return JOBS.c.id == self.job.id, JOBS.c.epoch == self.job.epoch, JOBS.c.state == State.RUNNING
