"""What every service says of a campaign by itself, from its tables of events and jobs, on each database."""

from collections.abc import Sequence

import pytest

from aloft.kit.bus import Context, NotYet, Poison
from aloft.kit.bus.topics import LABELS_COMMITTED
from aloft.kit.database import Transaction
from aloft.kit.errors import NotFound, Unavailable
from aloft.kit.explaining import Cause, Kind
from aloft.kit.jobs import Jobs, JobWorker, Lease
from aloft.kit.objects.errors import StoreUnavailable
from aloft.kit.rpc.explanations import explain_all
from tests.contract.events import Loopback

TOPIC = LABELS_COMMITTED.name
IDLE = Cause(Kind.IDLE, "COVERED", "nothing")


def asked(loop: Loopback, *own: Cause, campaign: str = "c1", known: bool = True) -> Sequence[Cause]:
    """Ask the service, which names these causes itself."""

    def explain(_tx: Transaction, campaign: str) -> Sequence[Cause]:
        if not known:
            raise NotFound("CAMPAIGN_NOT_FOUND", f"campaigns/{campaign} is not known here")
        return own

    with loop.database.read() as tx:
        return explain_all(tx, "label_store", campaign, explain)


def the_cause(loop: Loopback, *own: Cause) -> Cause:
    (cause,) = asked(loop, *own)
    return cause


def refuse(loop: Loopback, error: Exception) -> None:
    """Let the events of c1 fail."""

    def decide(key: str, _number: int, _context: Context) -> None:
        if key == "c1":
            raise error

    loop.refuse = decide


def work(loop: Loopback, error: Exception) -> None:
    """Begin the next job, which fails."""

    def handle(lease: Lease) -> None:
        raise error

    assert JobWorker(Jobs(loop.database), {"embed": handle}, "w").step(), "no job was due"


def queue(loop: Loopback) -> None:
    with loop.database.transaction() as tx:
        Jobs(loop.database).enqueue(tx, "embed", "c1", {})


def test_where_nothing_is_wrong_only_the_service_speaks(loop: Loopback) -> None:
    loop.announce("c1", 1)
    loop.settle()
    assert asked(loop, IDLE) == [IDLE]


def test_a_dead_event_is_stuck_with_its_reason_and_how_to_send_it_back(loop: Loopback) -> None:
    refuse(loop, Poison("it breaks a rule"))
    loop.announce("c1", 1, 2)
    loop.settle()
    cause = the_cause(loop, IDLE)
    assert (cause.kind, cause.code) == (Kind.STUCK, "DEAD_EVENT")
    assert cause.waits_for == f"2 events of {TOPIC}; they were given up: Poison: it breaks a rule"
    assert f"`aloft redrive label-store --topic {TOPIC}`" in cause.remedy
    assert cause.since_us is not None
    assert asked(loop, IDLE, campaign="c2") == [IDLE], "another campaign is told of it"


def test_a_campaign_that_is_unknown_because_its_event_is_dead_is_explained(loop: Loopback) -> None:
    with pytest.raises(NotFound):
        asked(loop, known=False)
    refuse(loop, Poison("it breaks a rule"))
    loop.announce("c1", 1)
    loop.settle()
    assert [cause.code for cause in asked(loop, known=False)] == ["DEAD_EVENT"]


def test_a_failing_event_is_stuck_once_it_has_failed_often(loop: Loopback) -> None:
    refuse(loop, RuntimeError("not today"))
    loop.announce("c1", 1)
    loop.settle()
    first = the_cause(loop)
    assert (first.kind, first.code) == (Kind.WAITING, "EVENT_FAILING"), "one failure may pass by itself"
    for _ in range(2):
        loop.database.advance(60)
        loop.settle()
    cause = the_cause(loop)
    assert cause.kind is Kind.STUCK
    assert "RuntimeError: not today; attempt 3 failed, the next is in 2 s" in cause.waits_for
    assert cause.since_us == first.since_us


def test_an_event_before_its_time_waits_for_another_one(loop: Loopback) -> None:
    refuse(loop, NotYet("campaigns/c1 is not known here yet"))
    loop.announce("c1", 1)
    loop.settle()
    cause = the_cause(loop)
    assert (cause.kind, cause.code) == (Kind.WAITING, "EVENT_EARLY")


def test_events_that_the_broker_does_not_take_are_stuck_after_a_while(loop: Loopback) -> None:
    loop.announce("c1", 1, 2)
    assert asked(loop, IDLE) == [IDLE], "an event that has just been written is on its way"
    loop.database.advance(11)
    cause = the_cause(loop, IDLE)
    assert (cause.kind, cause.code) == (Kind.STUCK, "BROKER_AWAY")
    assert cause.waits_for == f"the broker to take 2 events of {TOPIC}"
    loop.settle()
    assert asked(loop, IDLE) == [IDLE], "the broker has taken them"


def test_a_job_that_waits_for_the_store_says_so(loop: Loopback) -> None:
    queue(loop)
    work(loop, StoreUnavailable("connection refused"))
    cause = the_cause(loop, IDLE)
    assert (cause.kind, cause.code) == (Kind.STUCK, "STORE_AWAY")
    assert "the embed job: OBJECT_STORE_UNAVAILABLE: connection refused" in cause.waits_for


def test_a_job_that_fails_is_stuck_once_it_has_failed_often(loop: Loopback) -> None:
    queue(loop)
    kinds = []
    for _ in range(3):
        work(loop, RuntimeError("no weights"))
        kinds.append(the_cause(loop).kind)
        loop.database.advance(300)
    assert kinds == [Kind.WAITING, Kind.WAITING, Kind.STUCK]
    cause = the_cause(loop)
    assert cause.code == "JOB_FAILING"
    assert "attempt 3 failed: RuntimeError: no weights" in cause.waits_for


def test_another_outage_is_told_as_what_it_is(loop: Loopback) -> None:
    queue(loop)
    work(loop, Unavailable("LABEL_STORE_AWAY", "it does not answer"))
    cause = the_cause(loop)
    assert cause.code == "JOB_FAILING"
    assert "LABEL_STORE_AWAY: it does not answer" in cause.waits_for


def test_a_job_at_work_tells_how_far_it_is_unless_the_service_does(loop: Loopback) -> None:
    queue(loop)
    queued = the_cause(loop, IDLE)
    assert (queued.kind, queued.code) == (Kind.WAITING, "JOB_QUEUED")
    lease = Jobs(loop.database).claim(["embed"], "w", 30)
    assert lease is not None
    lease.heartbeat(done=120, total=400, stage="embedding")
    cause = the_cause(loop, IDLE)
    assert (cause.kind, cause.waits_for) == (Kind.WORKING, "its embed job: embedding 120 of 400")
    own = Cause(Kind.WORKING, "EMBEDDING", "its pool, of which 120 of 400 images are embedded")
    assert asked(loop, own) == [own], "the same is told twice"


def test_a_job_whose_worker_fell_silent_is_stuck_after_a_while(loop: Loopback) -> None:
    queue(loop)
    assert Jobs(loop.database).claim(["embed"], "w", 30) is not None
    loop.database.advance(31)
    assert the_cause(loop).kind is Kind.WAITING, "another worker may be about to take it"
    loop.database.advance(20)
    cause = the_cause(loop)
    assert (cause.kind, cause.code) == (Kind.STUCK, "WORKER_LOST")


def test_the_most_pressing_comes_first(loop: Loopback) -> None:
    queue(loop)
    refuse(loop, Poison("it breaks a rule"))
    loop.announce("c1", 1)
    loop.settle()
    waits = Cause(Kind.WAITING, "VENDORS", "vendors to label")
    assert [cause.code for cause in asked(loop, IDLE, waits)] == ["DEAD_EVENT", "VENDORS", "JOB_QUEUED"]
