"""What any service may wait for, read from the tables of events and jobs that all of them have."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from aloft.kit.bus.stuck import Stuck, dead_events, parked_lanes, unpublished
from aloft.kit.clock import SECOND
from aloft.kit.database import Transaction
from aloft.kit.explaining import Cause, Kind
from aloft.kit.jobs import Job, State
from aloft.kit.jobs.live import live_jobs
from aloft.kit.objects.errors import StoreUnavailable

PATIENCE_US = 10 * SECOND
"""How long an event may take to the broker, and a lost job to another worker, before somebody is to look."""
ATTEMPTS = 3
"""From which failed attempt on a cause no longer counts as passing."""


def of_events(tx: Transaction, service: str, campaign: str) -> Iterator[Cause]:
    """Name the events that were given up, that fail, and that the broker does not take."""
    dead = sorted(dead_events(tx, key=campaign), key=lambda event: event.topic)
    for topic, events in groupby(dead, key=lambda event: event.topic):
        yield _dead(service, topic, list(events))
    for lane in parked_lanes(tx, key=campaign):
        yield _failing(service, lane)
    waiting = unpublished(tx, campaign)
    if waiting is not None and tx.now() - waiting.oldest_us > PATIENCE_US:
        yield Cause(
            Kind.STUCK,
            "BROKER_AWAY",
            f"the broker to take {_count(waiting.events, 'event')} of {', '.join(waiting.topics)}",
            waiting.oldest_us,
            "bring the broker back, or give the service the right to write there; the log says which."
            " The events are kept and go out by themselves",
        )


def _dead(service: str, topic: str, events: Sequence[Stuck]) -> Cause:
    given_up = "it was" if len(events) == 1 else "they were"
    return Cause(
        Kind.STUCK,
        "DEAD_EVENT",
        f"{_count(len(events), 'event')} of {topic}; {given_up} given up: {events[-1].error}",
        events[0].since_us,
        f"mend the cause, then `aloft redrive {service.replace('_', '-')} --topic {topic}`",
    )


def _failing(service: str, lane: Stuck) -> Cause:
    again = f"attempt {lane.attempts} failed, the next is in {lane.again_in_s or 0:.0f} s"
    if lane.early:
        sentence = f"another event, before one of {lane.topic} can be handled: {lane.error}; {again}"
        return Cause(Kind.WAITING, "EVENT_EARLY", sentence, lane.since_us)
    if _store_away(lane.error):
        return _away(f"an event of {lane.topic}", lane.error, lane.since_us)
    return Cause(
        Kind.STUCK if lane.attempts >= ATTEMPTS else Kind.WAITING,
        "EVENT_FAILING",
        f"an event of {lane.topic} to be handled: {lane.error}; {again}",
        lane.since_us,
        f"mend what the error names; `aloft stuck {service.replace('_', '-')}` shows the event",
    )


def of_jobs(tx: Transaction, campaign: str) -> Iterator[Cause]:
    """Name the jobs that are at work, that fail, and that wait for an outage to end or for a worker."""
    now = tx.now()
    for job in live_jobs(tx, campaign):
        if job.state is State.RUNNING:
            yield _running(job, now)
        elif job.error:
            yield _failed(job, now)
        elif job.not_before_us <= now:
            waits = f"a free worker for its {job.kind} job, which is queued"
            yield Cause(Kind.WAITING, "JOB_QUEUED", waits, job.not_before_us)


def _running(job: Job, now: int) -> Cause:
    silent_us = now - (job.lease_until_us or now)
    if silent_us <= 0:
        return Cause(Kind.WORKING, "WORKING", f"its {job.kind} job: {_progress(job)}", job.started_us)
    return Cause(
        Kind.STUCK if silent_us > PATIENCE_US else Kind.WAITING,
        "WORKER_LOST",
        f"another worker to take up the {job.kind} job: the last one fell silent ({_progress(job)})",
        job.lease_until_us,
        "start a process of the service; the job goes on from its last checkpoint",
    )


def _failed(job: Job, now: int) -> Cause:
    error, since = job.error or "", job.started_us or job.created_us
    if _store_away(error):
        return _away(f"the {job.kind} job", error, since)
    return Cause(
        Kind.STUCK if job.attempts >= ATTEMPTS else Kind.WAITING,
        "JOB_FAILING",
        f"its {job.kind} job to succeed: attempt {job.attempts} failed: {error}; the next is in"
        f" {max(0, job.not_before_us - now) / SECOND:.0f} s",
        since,
        "mend what the error names; the job is tried again by itself",
    )


def _away(what: str, error: str, since_us: int) -> Cause:
    remedy = "bring the object store back; the work goes on by itself"
    return Cause(Kind.STUCK, "STORE_AWAY", f"the object store, for {what}: {error}", since_us, remedy)


def _store_away(error: str) -> bool:
    return error.startswith((f"{StoreUnavailable('').reason}: ", f"{StoreUnavailable.__name__}: "))


def _progress(job: Job) -> str:
    at = job.progress
    if not at.total:
        return at.stage or "starting"
    return f"{at.stage or job.kind} {at.done} of {at.total}"


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
