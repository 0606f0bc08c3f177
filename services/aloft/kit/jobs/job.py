"""A job as a reader sees it, and how one ends early."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """Where a job stands. The last three are ends."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to the job."""
        return self not in (State.QUEUED, State.RUNNING)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is, as its handler last said: `done` of `total` in `stage`."""

    done: int = 0
    total: int = 0
    stage: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """One job at one moment. Times are the database's, in microseconds."""

    id: str
    kind: str
    campaign: str
    payload: Mapping[str, Any]
    state: State
    epoch: int
    """How often it was claimed; what a stale worker's writes are told apart by."""
    worker: str | None
    attempts: int
    max_attempts: int
    not_before_us: int
    created_us: int
    dedupe: str | None = None
    lease_until_us: int | None = None
    progress: Progress = field(default_factory=Progress)
    result: Mapping[str, Any] | None = None
    error: str | None = None
    """Why it failed, or why its last attempt did."""
    cancel_requested: bool = False
    started_us: int | None = None
    ended_us: int | None = None
    traceparent: str = ""
    """The trace of whoever enqueued it."""


class LeaseLost(Exception):
    """The job is another worker's now, or ended: what this worker still writes must not count."""

    def __init__(self, job: str, epoch: int) -> None:
        super().__init__(f"job {job}: the lease of epoch {epoch} is lost")


class HandedBack(Exception):
    """This process is told to end: the handler stops here, and the job is for another worker, at once."""


class Cancelled(Exception):
    """Somebody asked for the job to be cancelled: tidy up and let this pass."""

    def __init__(self, job: str) -> None:
        super().__init__(f"job {job}: cancelled on request")
