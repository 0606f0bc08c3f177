"""Any history of claims, heartbeats, stalls, ends and cancels leaves the job table as a simple model says."""

import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import text

from aloft.kit.clock import SECOND, ManualClock
from aloft.kit.database import Database, migrate
from aloft.kit.jobs import Cancelled, Jobs, Lease, LeaseLost, State

LEASE_S = 30
MAX_ATTEMPTS = 3


@dataclass
class Expected:
    """What one job should look like."""

    number: int
    campaign: str
    dedupe: str | None
    not_before: int
    state: State = State.QUEUED
    epoch: int = 0
    attempts: int = 0
    lease_until: int = 0
    cancel_requested: bool = False
    effects: int = 0


@dataclass
class Held:
    """A lease that some worker believes in, and the job and epoch it is of."""

    lease: Lease
    job: str
    epoch: int = field(init=False)

    def __post_init__(self) -> None:
        self.epoch = self.lease.job.epoch


class JobTable(RuleBasedStateMachine):
    """The table beside its model."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.clock = ManualClock()
        url = f"sqlite:///{Path(self.folder.name) / 'jobs.db'}"
        self.database = Database(url, schema="jobs", clock=self.clock)
        migrate(self.database)
        with self.database.transaction() as tx:
            tx.execute(text("CREATE TABLE effects (job TEXT)"))
        self.jobs = Jobs(self.database)
        self.expected: dict[str, Expected] = {}
        self.held: list[Held] = []

    def teardown(self) -> None:
        if hasattr(self, "database"):
            self.database.close()
            self.folder.cleanup()

    @rule(campaign=st.sampled_from("ab"), dedupe=st.sampled_from([None, "x"]), delay=st.sampled_from([0, 20]))
    def enqueue(self, campaign: str, dedupe: str | None, delay: int) -> None:
        with self.database.transaction() as tx:
            options = {"dedupe": dedupe, "delay_s": delay, "max_attempts": MAX_ATTEMPTS}
            job = self.jobs.enqueue(tx, "k", campaign, {}, **options)  # type: ignore[arg-type]
        due = self.clock.now() + delay * SECOND
        fresh = [
            name
            for name, known in self.expected.items()
            if dedupe is not None
            and (known.campaign, known.dedupe) == (campaign, dedupe)
            and (known.state, known.attempts) == (State.QUEUED, 0)
        ]
        if fresh:
            assert [job] == fresh, "an equal request joins the one that has not begun"
            self.expected[job].not_before = min(due, self.expected[job].not_before)
        else:
            assert job not in self.expected
            self.expected[job] = Expected(len(self.expected), campaign, dedupe, due)

    @rule()
    def claim(self) -> None:
        lease = self.jobs.claim(["k"], "w", LEASE_S)
        wanted = self._next()
        assert (lease.job.id if lease else None) == wanted, "the fairest, oldest due job is claimed"
        if lease is not None:
            job = self.expected[lease.job.id]
            job.state, job.epoch, job.attempts = State.RUNNING, job.epoch + 1, job.attempts + 1
            job.lease_until = self.clock.now() + LEASE_S * SECOND
            self.held.append(Held(lease, lease.job.id))

    def _next(self) -> str | None:
        now = self.clock.now()
        while True:
            busy = [
                job.campaign
                for job in self.expected.values()
                if job.state is State.RUNNING and job.lease_until > now
            ]
            due = [
                (busy.count(job.campaign), job.number, name)
                for name, job in self.expected.items()
                if (job.state is State.QUEUED and job.not_before <= now)
                or (job.state is State.RUNNING and job.lease_until <= now)
            ]
            if not due:
                return None
            name = min(due)[2]
            job = self.expected[name]
            if job.cancel_requested:
                job.state = State.CANCELLED
            elif job.attempts >= MAX_ATTEMPTS:
                job.state = State.FAILED
            else:
                return name

    @rule(seconds=st.sampled_from([1, 10, LEASE_S + 1]))
    def advance(self, seconds: int) -> None:
        self.clock.advance(seconds)

    @precondition(lambda self: self.expected)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.expected, key=lambda one: self.expected[one].number)))
        with self.database.transaction() as tx:
            self.jobs.cancel(tx, name)
        job = self.expected[name]
        if job.state is State.QUEUED:
            job.state = State.CANCELLED
        elif job.state is State.RUNNING:
            job.cancel_requested = True

    @precondition(lambda self: self.held)
    @rule(data=st.data(), what=st.sampled_from(["write", "heartbeat", "finish", "retry", "fail", "crash"]))
    def work(self, data: st.DataObject, what: str) -> None:
        held = data.draw(st.sampled_from(self.held))
        job = self.expected[held.job]
        if what == "crash":
            self.held.remove(held)
        elif (job.state, job.epoch) != (State.RUNNING, held.epoch):
            with pytest.raises(LeaseLost):
                self._do(what, held)
        else:
            self._do(what, held)
            self._expect(what, job)

    def _do(self, what: str, held: Held) -> None:
        insert = text("INSERT INTO effects VALUES (:job)")
        if what == "write":
            with held.lease.transaction() as tx:
                tx.execute(insert, {"job": held.job})
        elif what == "finish":
            with held.lease.finish() as tx:
                tx.execute(insert, {"job": held.job})
        elif what == "heartbeat":
            asked = self.expected[held.job].cancel_requested
            try:
                held.lease.heartbeat(done=1)
            except Cancelled:
                assert asked, "nobody asked for this job to be cancelled"
            else:
                assert not asked, "a heartbeat says that the job is to be cancelled"
        else:
            held.lease.fail("broke", retry=what == "retry")

    def _expect(self, what: str, job: Expected) -> None:
        now = self.clock.now()
        if what in ("write", "finish"):
            job.effects += 1
        if what == "finish":
            job.state = State.SUCCEEDED
        if what == "heartbeat":
            job.lease_until = now + LEASE_S * SECOND
        if what in ("retry", "fail"):
            again = what == "retry" and job.attempts < MAX_ATTEMPTS
            job.state = State.QUEUED if again else State.FAILED
            job.not_before = now + 2 ** (job.attempts - 1) * SECOND
            if again and job.cancel_requested:
                job.state = State.CANCELLED

    @invariant()
    def the_table_is_as_the_model_says(self) -> None:
        if not hasattr(self, "jobs"):
            return
        with self.database.read() as tx:
            found = {job.id: job for job in self.jobs.list(tx, limit=1000)}
            rows = tx.execute(text("SELECT job FROM effects")).scalars()
            counted = dict(Counter(rows))
        assert {name: (job.state, job.epoch, job.attempts) for name, job in found.items()} == {
            name: (job.state, job.epoch, job.attempts) for name, job in self.expected.items()
        }
        wanted = {name: job.effects for name, job in self.expected.items() if job.effects}
        assert counted == wanted, "only a lease that holds has effects"


TestJobTable = JobTable.TestCase
TestJobTable.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
