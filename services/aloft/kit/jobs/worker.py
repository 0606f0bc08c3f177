"""Runs handlers: claims a job, runs it, and ends it as the handler's outcome says."""

import contextlib
import logging
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from opentelemetry import trace
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from aloft.kit import memory
from aloft.kit.errors import Aborted, AloftError, ResourceExhausted, Unavailable
from aloft.kit.jobs import metrics
from aloft.kit.jobs.job import Cancelled, HandedBack, LeaseLost
from aloft.kit.jobs.jobs import Jobs
from aloft.kit.jobs.lease import Lease, told_of
from aloft.kit.telemetry.tracing import span_from

log = logging.getLogger(__name__)

Handler = Callable[[Lease], Mapping[str, Any] | None]
"""Does a job and gives its result, or ends it with `lease.finish`. It may be begun again after any point."""

_OUTAGES = (Unavailable, OperationalError)
"""What says that a store or a database is away. A job outlives it, however long it lasts."""
_PASSING = (Aborted, ResourceExhausted, *_OUTAGES)


class Heart:
    """Keeps a lease alive in a thread while its handler is between two checkpoints."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"heart-{lease.job.id}", daemon=True)

    def __enter__(self) -> "Heart":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._over.wait(self._lease.lease_s / 3):
            try:
                self._lease.keep()
            except LeaseLost:
                # The handler learns it from its next write or heartbeat, none of which counts any more.
                return
            except SQLAlchemyError:
                log.exception("job %s: a heartbeat failed; trying again", self._lease.job.id)


class JobWorker:
    """A step that does one job. Any number of workers, in threads or processes, share a job table."""

    def __init__(
        self,
        jobs: Jobs,
        handlers: Mapping[str, Handler],
        worker_name: str,
        lease_s: float = 30.0,
        heart: bool = False,
    ) -> None:
        self._jobs = jobs
        self._handlers = dict(handlers)
        self._worker = worker_name
        self._lease_s = lease_s
        self._heart = heart
        self._leaving = threading.Event()
        metrics.BACKLOG.watch(jobs.database)

    @property
    def name(self) -> str:
        """What the loop is called in logs and metrics."""
        return f"jobs {self._worker}"

    def leave(self) -> None:
        """Begin no job any more, and hand back the one at work at its next heartbeat."""
        self._leaving.set()

    def step(self) -> bool:
        """Do the next due job, if there is one."""
        if self._leaving.is_set():
            return False
        lease = self._jobs.claim(self._handlers, self._worker, self._lease_s)
        if lease is None:
            return False
        lease.leaving = self._leaving
        with _traced(lease):
            try:
                self._attempt(lease)
            except LeaseLost as lost:
                log.warning("%s; what this worker did since is dropped", lost)
        memory.give_back()
        return True

    def _attempt(self, lease: Lease) -> None:
        try:
            with Heart(lease) if self._heart else contextlib.nullcontext():
                result = self._handlers[lease.job.kind](lease)
            if not lease.ended:
                with lease.finish(result):
                    pass
        except LeaseLost:
            raise
        except Cancelled:
            lease.cancelled()
        except HandedBack:
            log.info("%s job %s is handed back: this process ends", lease.job.kind, lease.job.id)
            lease.hand_back()
        except Exception as error:
            job = lease.job
            log.exception(
                "%s job %s: attempt %d of %d failed", job.kind, job.id, job.attempts, job.max_attempts
            )
            if lease.ended:
                raise
            permanent = isinstance(error, AloftError) and not isinstance(error, _PASSING)
            reason = error.reason if isinstance(error, AloftError) else type(error).__name__
            trace.get_current_span().set_status(trace.StatusCode.ERROR, f"{reason}: {error}")
            lease.fail(f"{reason}: {error}", retry=not permanent, outage=isinstance(error, _OUTAGES))


def _traced(lease: Lease) -> AbstractContextManager[trace.Span]:
    job = lease.job
    about = {"aloft.job": job.id, "aloft.campaign": job.campaign, **told_of(job.payload)}
    return span_from(job.traceparent, f"job {job.kind}", trace.SpanKind.INTERNAL, about)
