"""What the job table must do, asked of it on SQLite and on a real PostgreSQL."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from opentelemetry import trace
from prometheus_client import REGISTRY
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from aloft.kit.clock import SECOND
from aloft.kit.database import Database, migrate
from aloft.kit.errors import FailedPrecondition, NotFound, Unavailable
from aloft.kit.faults import Crash
from aloft.kit.jobs import Cancelled, Job, Jobs, JobWorker, Lease, LeaseLost, Progress, State
from aloft.kit.jobs.lease import BACKOFF_S, OUTAGE_WAIT_S
from aloft.kit.jobs.table import JOBS
from tests.contract.databases import Place, place

LEASE_S = 30.0


@pytest.fixture
def home(admin_url: str | None, tmp_path: Path) -> Iterator[Place]:
    with place(tmp_path, admin_url) as made:
        database = made.open()
        migrate(database)
        with database.transaction() as tx:
            tx.execute(text("CREATE TABLE effects (effect TEXT)"))
        yield made


@pytest.fixture
def database(home: Place) -> Database:
    return home.opened[0]


@pytest.fixture
def jobs(database: Database) -> Jobs:
    return Jobs(database)


def enqueue(jobs: Jobs, campaign: str = "c", kind: str = "embed", **options: Any) -> str:
    with jobs.database.transaction() as tx:
        return jobs.enqueue(tx, kind, campaign, {"n": 1}, **options)


def claim(jobs: Jobs, worker: str = "w", kinds: tuple[str, ...] = ("embed",)) -> Lease:
    lease = jobs.claim(kinds, worker, LEASE_S)
    assert lease is not None, "no job is due"
    return lease


def look(jobs: Jobs, job: str) -> Job:
    with jobs.database.read() as tx:
        return jobs.get(tx, job)


def effects(database: Database) -> list[str]:
    with database.read() as tx:
        return list(tx.execute(text("SELECT effect FROM effects ORDER BY effect")).scalars())


def write_under(lease: Lease, effect: str) -> None:
    with lease.transaction() as tx:
        tx.execute(text("INSERT INTO effects VALUES (:effect)"), {"effect": effect})


def finish_under(lease: Lease, effect: str) -> None:
    with lease.finish({"effect": effect}) as tx:
        tx.execute(text("INSERT INTO effects VALUES (:effect)"), {"effect": effect})


def lose(jobs: Jobs, database: Database) -> tuple[Lease, Lease]:
    """Let a worker stall past its lease and another take the job: the stale lease, the good one."""
    stale = claim(jobs, "stalled")
    database.advance(LEASE_S + 1)
    return stale, claim(jobs, "next")


def test_the_table_is_what_the_code_says(database: Database) -> None:
    with database.read() as tx:
        theirs = {
            "include_name": lambda name, kind, _: kind != "table" or name == "jobs",
            "compare_type": True,
        }
        context = MigrationContext.configure(tx.connection, opts=theirs)
        differences = [one for one in compare_metadata(context, JOBS.metadata) if one[0] != "remove_index"]
    assert differences == []


def test_a_job_exists_only_if_the_transaction_that_enqueued_it_commits(
    jobs: Jobs, database: Database
) -> None:
    def enqueue_and_fail() -> None:
        with database.transaction() as tx:
            jobs.enqueue(tx, "embed", "c", {})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        enqueue_and_fail()
    assert jobs.claim(["embed"], "w", LEASE_S) is None
    job = enqueue(jobs)
    assert claim(jobs).job.id == job


def test_enqueueing_wakes_the_workers_of_this_process_once_it_is_committed(
    jobs: Jobs, database: Database
) -> None:
    wake = database.wake("jobs")
    with database.transaction() as tx:
        jobs.enqueue(tx, "embed", "c", {})
        assert not wake._event.is_set(), "nobody is woken for what is not committed"
    assert wake._event.is_set()


def test_a_claimed_job_is_nobody_elses(jobs: Jobs) -> None:
    job = enqueue(jobs)
    lease = claim(jobs)
    assert (lease.job.id, lease.job.state, lease.job.epoch, lease.job.worker) == (job, State.RUNNING, 1, "w")
    assert lease.job.payload == {"n": 1}
    assert jobs.claim(["embed"], "other", LEASE_S) is None


def test_workers_that_claim_at_the_same_time_get_different_jobs(jobs: Jobs, home: Place) -> None:
    wanted = {enqueue(jobs, campaign=f"c{n % 3}") for n in range(60)}

    def claim_all(mine: Jobs) -> list[str]:
        claimed = []
        while lease := mine.claim(["embed"], "w", LEASE_S):
            claimed.append(lease.job.id)
        return claimed

    with ThreadPoolExecutor(4) as pool:
        claimed = [one for some in pool.map(claim_all, [Jobs(home.open()) for _ in range(4)]) for one in some]
    assert len(claimed) == 60, "each job is claimed once"
    assert set(claimed) == wanted


def test_a_worker_gets_only_kinds_it_serves(jobs: Jobs) -> None:
    enqueue(jobs, kind="export")
    assert jobs.claim(["embed", "rank"], "w", LEASE_S) is None
    assert claim(jobs, kinds=("embed", "export")).job.kind == "export"


def test_the_campaign_with_fewest_running_jobs_comes_first_and_then_the_oldest_job(jobs: Jobs) -> None:
    for campaign in ("big", "big", "big", "small", "small"):
        enqueue(jobs, campaign=campaign)
    claimed = [claim(jobs).job.campaign for _ in range(5)]
    assert claimed == ["big", "small", "big", "small", "big"]


def test_a_delayed_job_waits_for_its_time(jobs: Jobs, database: Database) -> None:
    enqueue(jobs, delay_s=60)
    assert jobs.claim(["embed"], "w", LEASE_S) is None
    database.advance(61)
    claim(jobs)


def test_an_equal_request_joins_a_job_that_has_not_begun(jobs: Jobs, database: Database) -> None:
    waiting = enqueue(jobs, dedupe="pool", delay_s=60)
    assert enqueue(jobs, dedupe="pool", delay_s=10) == waiting
    assert enqueue(jobs, dedupe="pool", delay_s=90) == waiting
    assert enqueue(jobs, dedupe="other") != waiting
    assert enqueue(jobs, campaign="d", dedupe="pool") != waiting
    assert enqueue(jobs, kind="rank", dedupe="pool") != waiting
    database.advance(11)
    due = {claim(jobs).job.id for _ in range(3)}
    assert waiting in due, "it begins as soon as the most urgent of the requests asked"


def test_an_equal_request_does_not_join_a_job_that_has_begun(jobs: Jobs, database: Database) -> None:
    first = enqueue(jobs, dedupe="pool")
    lease = claim(jobs)
    second = enqueue(jobs, dedupe="pool")
    assert second != first, "the running one may have read its input already"
    assert enqueue(jobs, dedupe="pool") == second, "one running and one queued"
    assert lease.fail("broke", retry=True) is State.QUEUED
    assert look(jobs, first).state is State.QUEUED, "it waits for its retry beside its successor"
    database.advance(3600)
    assert {claim(jobs).job.id, claim(jobs).job.id} == {first, second}


def test_equal_requests_at_the_same_time_make_one_job(jobs: Jobs, home: Place) -> None:
    with ThreadPoolExecutor(4) as pool:
        made = set(pool.map(lambda mine: enqueue(mine, dedupe="pool"), [Jobs(home.open()) for _ in range(4)]))
    assert len(made) == 1


def test_a_job_whose_lease_ran_out_is_claimed_again_with_the_next_epoch(
    jobs: Jobs, database: Database
) -> None:
    job = enqueue(jobs)
    claim(jobs, "stalled")
    database.advance(LEASE_S - 5)
    assert jobs.claim(["embed"], "next", LEASE_S) is None, "the lease still runs"
    before = REGISTRY.get_sample_value("aloft_job_leases_lost_total") or 0
    database.advance(6)
    again = claim(jobs, "next")
    assert (again.job.id, again.job.epoch, again.job.attempts, again.job.worker) == (job, 2, 2, "next")
    assert REGISTRY.get_sample_value("aloft_job_leases_lost_total") == before + 1


@pytest.mark.parametrize(
    "write",
    [
        lambda lease: write_under(lease, "stale"),
        lambda lease: finish_under(lease, "stale"),
        lambda lease: lease.heartbeat(done=1),
        lambda lease: lease.keep(),
        lambda lease: lease.fail("stale", retry=True),
        lambda lease: lease.cancelled(),
    ],
    ids=["transaction", "finish", "heartbeat", "keep", "fail", "cancelled"],
)
def test_whatever_a_worker_writes_after_it_lost_its_lease_is_refused(
    jobs: Jobs, database: Database, write: Callable[[Lease], None]
) -> None:
    job = enqueue(jobs)
    stale, good = lose(jobs, database)
    before = look(jobs, job)
    with pytest.raises(LeaseLost):
        write(stale)
    assert look(jobs, job) == before
    assert effects(database) == []
    finish_under(good, "good")
    assert effects(database) == ["good"]
    with pytest.raises(LeaseLost):
        write(stale)
    assert look(jobs, job).state is State.SUCCEEDED, "an ended job stays as it ended"


def test_a_lease_lost_in_the_middle_of_a_transaction_undoes_the_transaction(
    postgres_database: str, tmp_path: Path
) -> None:
    with place(tmp_path, postgres_database) as home:
        database, elsewhere = home.open(), home.open()
        migrate(database)
        with database.transaction() as tx:
            tx.execute(text("CREATE TABLE effects (effect TEXT)"))
        enqueue(Jobs(database))
        stale = claim(Jobs(database))

        def write_slowly() -> None:
            with stale.transaction() as tx:
                tx.execute(text("INSERT INTO effects VALUES ('stale')"))
                elsewhere.advance(LEASE_S + 1)
                claim(Jobs(elsewhere), "next")

        with pytest.raises(LeaseLost):
            write_slowly()
        assert effects(database) == []


def test_a_lease_that_ran_out_holds_until_somebody_takes_the_job(jobs: Jobs, database: Database) -> None:
    enqueue(jobs)
    lease = claim(jobs)
    database.advance(LEASE_S + 1)
    finish_under(lease, "late")
    assert effects(database) == ["late"]
    assert jobs.claim(["embed"], "next", LEASE_S) is None


def test_a_heartbeat_extends_the_lease_and_says_how_far_the_job_is(jobs: Jobs, database: Database) -> None:
    job = enqueue(jobs)
    lease = claim(jobs)
    for done in (1, 2, 3):
        database.advance(LEASE_S - 5)
        lease.heartbeat(done=done, total=4, stage="forward")
    lease.heartbeat(note="nearly there")
    assert look(jobs, job).progress == Progress(3, 4, "forward", "nearly there")
    assert jobs.claim(["embed"], "next", LEASE_S) is None, "the lease was kept"
    database.advance(LEASE_S + 1)
    assert claim(jobs, "next").progress == Progress(3, 4, "forward", "nearly there"), "where to resume"


def test_a_job_ends_in_the_transaction_of_its_effect(jobs: Jobs, database: Database) -> None:
    job = enqueue(jobs)
    lease = claim(jobs)

    def fail_at_the_end() -> None:
        with lease.finish({"shards": 7}) as tx:
            tx.execute(text("INSERT INTO effects VALUES ('half')"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_at_the_end()
    assert (look(jobs, job).state, effects(database), lease.ended) == (State.RUNNING, [], False)
    finish_under(lease, "whole")
    ended = look(jobs, job)
    assert (ended.state, ended.result, ended.worker) == (State.SUCCEEDED, {"effect": "whole"}, None)
    assert ended.ended_us is not None
    assert effects(database) == ["whole"]


def test_a_worker_runs_a_job_and_ends_it_with_the_handlers_result(jobs: Jobs) -> None:
    job = enqueue(jobs)
    worker = JobWorker(jobs, {"embed": lambda lease: {"got": lease.job.payload["n"]}}, "w")
    assert worker.step() is True
    assert worker.step() is False, "there is nothing more to do"
    assert (look(jobs, job).state, look(jobs, job).result) == (State.SUCCEEDED, {"got": 1})


def test_a_job_that_its_handler_ended_is_not_ended_again(
    jobs: Jobs, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    job = enqueue(jobs)
    worker = JobWorker(jobs, {"embed": lambda lease: finish_under(lease, "mine")}, "w")
    worker.step()
    assert (look(jobs, job).state, look(jobs, job).result) == (State.SUCCEEDED, {"effect": "mine"})
    assert effects(database) == ["mine"]
    assert caplog.text == "", "ending it twice would look like a lost lease"


def test_a_failing_job_is_tried_again_ever_later_and_then_fails_with_its_reason(
    jobs: Jobs, database: Database
) -> None:
    job = enqueue(jobs, max_attempts=3)

    def handler(_: Lease) -> None:
        raise ArithmeticError("the loss is not a number")

    worker = JobWorker(jobs, {"embed": handler}, "w")
    waits = []
    for _ in range(2):
        assert worker.step() is True
        assert worker.step() is False, "it backs off"
        with database.read() as tx:
            now = tx.now()
        waited = look(jobs, job)
        assert (waited.state, waited.error) == (State.QUEUED, "ArithmeticError: the loss is not a number")
        waits.append((waited.not_before_us - now) / SECOND)
        database.advance(waits[-1] + 0.001)
    assert waits[0] < waits[1] <= 2 * waits[0] + 1
    worker.step()
    assert look(jobs, job).state is State.FAILED
    assert look(jobs, job).error == "ArithmeticError: the loss is not a number"


@pytest.mark.parametrize(
    "away",
    [
        Unavailable("STORE_AWAY", "the bucket does not answer"),
        OperationalError("SELECT 1", None, OSError("gone")),
    ],
    ids=["store", "database"],
)
def test_a_job_outlives_any_number_of_outages_of_what_it_needs(
    jobs: Jobs, database: Database, away: Exception
) -> None:
    job = enqueue(jobs, max_attempts=2)
    outages = [away] * 5

    def handler(_: Lease) -> None:
        if outages:
            raise outages.pop()

    worker = JobWorker(jobs, {"embed": handler}, "w")
    for _ in range(5):
        assert worker.step() is True
        assert worker.step() is False, "it waits a little after an outage"
        assert look(jobs, job).state is State.QUEUED
        database.advance(OUTAGE_WAIT_S + 0.001)
    assert worker.step() is True
    assert look(jobs, job).state is State.SUCCEEDED


@pytest.mark.parametrize("attempts", [1023, 1024, 1_000_000])
def test_a_failure_is_recorded_however_many_attempts_came_before_it(
    jobs: Jobs, database: Database, attempts: int
) -> None:
    job = enqueue(jobs, max_attempts=10_000_000)
    with database.transaction() as tx:
        tx.execute(text("UPDATE jobs SET attempts = :attempts"), {"attempts": attempts})
    claim(jobs).fail("AccessDenied", retry=True)
    failed = look(jobs, job)
    assert (failed.state, failed.error, failed.attempts) == (State.QUEUED, "AccessDenied", attempts + 1)
    with database.read() as tx:
        assert (failed.not_before_us - tx.now()) / SECOND == pytest.approx(BACKOFF_S[1], abs=30), (
            "the wait is not the longest any more"
        )


def test_an_error_that_will_not_pass_fails_the_job_at_once(jobs: Jobs) -> None:
    job = enqueue(jobs)

    def handler(_: Lease) -> None:
        raise FailedPrecondition("NO_CHECKPOINT", "the checkpoint has another architecture")

    JobWorker(jobs, {"embed": handler}, "w").step()
    assert (look(jobs, job).state, look(jobs, job).attempts) == (State.FAILED, 1)
    assert look(jobs, job).error == "NO_CHECKPOINT: the checkpoint has another architecture"


def test_a_failing_job_holds_up_no_other(jobs: Jobs) -> None:
    bad, good = enqueue(jobs, campaign="bad"), enqueue(jobs, campaign="good")

    def handler(lease: Lease) -> None:
        if lease.job.campaign == "bad":
            raise ZeroDivisionError

    worker = JobWorker(jobs, {"embed": handler}, "w")
    while worker.step():
        pass
    assert look(jobs, good).state is State.SUCCEEDED
    assert (look(jobs, bad).state, look(jobs, bad).error) == (State.QUEUED, "ZeroDivisionError: ")


def test_a_job_that_loses_every_worker_fails_and_says_so(jobs: Jobs, database: Database) -> None:
    job = enqueue(jobs, max_attempts=2)
    for _ in range(2):
        claim(jobs)
        database.advance(LEASE_S + 1)
    assert jobs.claim(["embed"], "w", LEASE_S) is None
    assert look(jobs, job).state is State.FAILED
    assert "WORKER_LOST" in str(look(jobs, job).error)


def test_a_crash_leaves_the_job_running_under_its_lease(jobs: Jobs, database: Database) -> None:
    job = enqueue(jobs)

    def handler(lease: Lease) -> None:
        write_under(lease, f"epoch {lease.job.epoch}")
        if lease.job.epoch == 1:
            raise Crash

    worker = JobWorker(jobs, {"embed": handler}, "w")
    with pytest.raises(Crash):
        worker.step()
    assert look(jobs, job).state is State.RUNNING
    assert worker.step() is False, "nobody knows yet that it died"
    database.advance(LEASE_S + 1)
    assert worker.step() is True
    assert look(jobs, job).state is State.SUCCEEDED
    assert effects(database) == ["epoch 1", "epoch 2"]


def test_a_worker_that_lost_its_lease_drops_its_work_and_goes_on(
    jobs: Jobs, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    job = enqueue(jobs)

    def stall(lease: Lease) -> None:
        database.advance(LEASE_S + 1)
        finish_under(claim(jobs, "next"), "next")
        write_under(lease, "stale")

    worker = JobWorker(jobs, {"embed": stall}, "stalled")
    assert worker.step() is True
    assert look(jobs, job).result == {"effect": "next"}
    assert effects(database) == ["next"]
    assert "dropped" in caplog.text


def test_a_stale_workers_own_error_changes_nothing(jobs: Jobs, database: Database) -> None:
    job = enqueue(jobs)

    def stall(_: Lease) -> None:
        database.advance(LEASE_S + 1)
        claim(jobs, "next")
        raise ZeroDivisionError

    assert JobWorker(jobs, {"embed": stall}, "stalled").step() is True
    assert (look(jobs, job).state, look(jobs, job).worker, look(jobs, job).error) == (
        State.RUNNING,
        "next",
        None,
    )


def test_cancelling_a_queued_job_ends_it(jobs: Jobs, database: Database) -> None:
    job = enqueue(jobs)
    with database.transaction() as tx:
        assert jobs.cancel(tx, job).state is State.CANCELLED
    assert look(jobs, job).ended_us is not None
    assert jobs.claim(["embed"], "w", LEASE_S) is None


def test_cancelling_a_running_job_stops_its_handler_at_the_next_heartbeat(
    jobs: Jobs, database: Database
) -> None:
    job = enqueue(jobs)
    reached = []

    def handler(lease: Lease) -> None:
        lease.heartbeat(done=1)
        with database.transaction() as tx:
            assert jobs.cancel(tx, job).state is State.RUNNING
        reached.append("cancel asked")
        lease.heartbeat(done=2)
        reached.append("heartbeat passed")

    JobWorker(jobs, {"embed": handler}, "w").step()
    assert reached == ["cancel asked"]
    assert look(jobs, job).state is State.CANCELLED


def test_a_cancelled_job_is_not_begun_again_after_a_failure_or_the_loss_of_its_worker(
    jobs: Jobs, database: Database
) -> None:
    failing, lost = enqueue(jobs), enqueue(jobs)
    leases = [claim(jobs), claim(jobs)]
    with database.transaction() as tx:
        jobs.cancel(tx, failing)
        jobs.cancel(tx, lost)
    assert leases[0].fail("broke", retry=True) is State.CANCELLED
    database.advance(LEASE_S + 1)
    assert jobs.claim(["embed"], "w", LEASE_S) is None
    assert [look(jobs, job).state for job in (failing, lost)] == [State.CANCELLED] * 2


def test_a_worker_that_leaves_hands_its_job_to_the_next_one_at_once(jobs: Jobs, database: Database) -> None:
    job = enqueue(jobs, max_attempts=1)

    def leave_in_the_middle(lease: Lease) -> None:
        leaving.leave()
        lease.heartbeat(done=1, total=2)
        write_under(lease, "after it was told to leave")

    leaving = JobWorker(jobs, {"embed": leave_in_the_middle}, "leaving", LEASE_S)
    assert leaving.step()
    handed = look(jobs, job)
    assert (handed.state, handed.worker, handed.progress.done) == (State.QUEUED, None, 1)
    assert not leaving.step(), "a worker that leaves has begun another job"

    again = JobWorker(jobs, {"embed": lambda lease: finish_under(lease, "done")}, "next", LEASE_S)
    assert again.step(), "the job was not due at once"
    assert (look(jobs, job).state, effects(database)) == (State.SUCCEEDED, ["done"])


def test_cancelling_an_ended_job_changes_nothing(jobs: Jobs, database: Database) -> None:
    job = enqueue(jobs)
    finish_under(claim(jobs), "done")
    before = look(jobs, job)
    with database.transaction() as tx:
        assert jobs.cancel(tx, job) == before


def test_an_unknown_job_is_not_found(jobs: Jobs, database: Database) -> None:
    with database.transaction() as tx:
        with pytest.raises(NotFound):
            jobs.get(tx, "none")
        with pytest.raises(NotFound):
            jobs.cancel(tx, "none")


def test_jobs_are_listed_newest_first_page_by_page_and_by_what_they_are(
    jobs: Jobs, database: Database
) -> None:
    made = [enqueue(jobs, campaign=f"c{n % 2}", kind="embed" if n < 4 else "rank") for n in range(6)]
    with database.read() as tx:
        first = [job.id for job in jobs.list(tx, limit=4)]
        rest = [job.id for job in jobs.list(tx, limit=4, after=first[-1])]
        assert first + rest == made[::-1]
        assert [job.id for job in jobs.list(tx, campaign="c0")] == [made[4], made[2], made[0]]
        assert [job.id for job in jobs.list(tx, kinds=["rank"])] == [made[5], made[4]]
        assert jobs.list(tx, states=[State.RUNNING]) == []


def test_a_heart_keeps_the_lease_of_a_handler_that_says_nothing(jobs: Jobs, database: Database) -> None:
    job = enqueue(jobs)

    def handler(_: Lease) -> None:
        before = look(jobs, job).lease_until_us
        database.advance(2)
        deadline = time.monotonic() + 20
        while look(jobs, job).lease_until_us == before:
            assert time.monotonic() < deadline, "the heart never beat"
            threading.Event().wait(0.02)
        database.advance(2)
        assert jobs.claim(["embed"], "next", LEASE_S) is None, "the lease was kept in between"

    JobWorker(jobs, {"embed": handler}, "w", lease_s=3, heart=True).step()
    assert look(jobs, job).state is State.SUCCEEDED, look(jobs, job).error


def test_a_job_goes_on_with_the_trace_of_who_enqueued_it(jobs: Jobs) -> None:
    context = trace.SpanContext(0xA10F7, 0xB, is_remote=True, trace_flags=trace.TraceFlags(1))
    with trace.use_span(trace.NonRecordingSpan(context)):
        enqueue(jobs)
    traces: list[int] = []

    def handler(_: Lease) -> None:
        traces.append(trace.get_current_span().get_span_context().trace_id)

    JobWorker(jobs, {"embed": handler}, "w").step()
    assert traces == [0xA10F7]


def test_metrics_tell_what_stands_where_and_how_long_it_has_waited(jobs: Jobs, database: Database) -> None:
    kind = f"kind_{id(jobs)}"
    for _ in range(3):
        enqueue(jobs, kind=kind)
    worker = JobWorker(jobs, {kind: lambda _: None}, "w")
    worker.step()
    database.advance(90)

    def sample(name: str, **labels: str) -> float:
        return REGISTRY.get_sample_value(name, {"kind": kind, **labels}) or 0.0

    assert sample("aloft_jobs", state="queued") == 2
    assert sample("aloft_jobs", state="succeeded") == 1
    assert 90 <= sample("aloft_jobs_oldest_queued_seconds") < 95
    assert sample("aloft_job_seconds_count", outcome="succeeded") == 1


def test_cancelled_is_no_failure(jobs: Jobs, database: Database) -> None:
    job = enqueue(jobs)
    lease = claim(jobs)
    with database.transaction() as tx:
        jobs.cancel(tx, job)
    with pytest.raises(Cancelled):
        lease.heartbeat(done=5)
    assert look(jobs, job).progress.done == 5, "what was reached is still said"
    lease.cancelled()
    assert (look(jobs, job).state, look(jobs, job).error) == (State.CANCELLED, None)
