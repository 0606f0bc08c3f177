"""Faults hit the one call they are addressed to, and what follows is what a real failure would leave."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import text

from aloft.kit.bus.port import Delivery, Message
from aloft.kit.clock import ManualClock
from aloft.kit.database import Database, Transaction, Transactions, migrate
from aloft.kit.faults import Address, Crash, Delay, Fail, Fault, Faults, InjectedFault, wrap
from aloft.kit.jobs import Jobs, JobWorker, Lease, State


class Store:
    """A port in miniature."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def put(self, key: str, data: bytes, *, only_new: bool = False) -> int:
        self.kept[key] = data
        return len(data)


class Log:
    """A bus in miniature: what is published is what is polled."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def publish(self, messages: Sequence[Message]) -> Sequence[bool]:
        self.messages += messages
        return [True] * len(messages)

    def subscribe(self, group: str, topics: Sequence[str]) -> "Reader":
        return Reader(self)


class Reader:
    """Reads the log from the beginning."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def poll(self, limit: int, wait_s: float) -> Sequence[Delivery]:
        return [Delivery(message, 0, n) for n, message in enumerate(self._log.messages[:limit])]


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def real(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path}/s.db", schema="s", clock=ManualClock())
    migrate(database)
    with database.transaction() as tx:
        tx.execute(text("CREATE TABLE notes (note TEXT)"))
    yield database
    database.close()


@pytest.fixture
def database(real: Database, faults: Faults) -> Transactions:
    return wrap(real, "s", "database", faults)


def count(database: Transactions) -> int:
    with database.read() as tx:
        return int(tx.execute(text("SELECT count(*) FROM notes")).scalar_one())


def register_image(database: Transactions, after: Callable[[Transaction], None] = lambda _: None) -> None:
    with database.transaction() as tx:
        tx.execute(text("INSERT INTO notes VALUES ('x')"))
        after(tx)


def address(method: str, key: str, occurrence: int = 1, port: str = "objects") -> Address:
    return Address("s", port, method, key, occurrence)


def test_a_wrapped_port_does_what_it_did_and_each_call_has_an_address(faults: Faults) -> None:
    store = Store()
    wrapped = wrap(store, "s", "objects", faults)
    assert wrapped.put("a", b"one") == 3
    assert wrapped.put("b", b"two", only_new=True) == 3
    assert wrapped.put(key="a", data=b"three") == 5
    assert wrapped.kept == {"a": b"three", "b": b"two"}
    assert faults.calls == [address("put", "a"), address("put", "b"), address("put", "a", 2)]
    assert str(faults.calls[2]) == "s.objects.put[a]#2"


def test_a_fault_before_a_call_prevents_it_and_one_after_lets_it_take_effect(faults: Faults) -> None:
    store = Store()
    wrapped = wrap(store, "s", "objects", faults)
    faults.arm(Fault(address("put", "a"), "before", Fail()))
    with pytest.raises(InjectedFault, match=r"before s\.objects\.put\[a\]#1"):
        wrapped.put("a", b"never")
    assert store.kept == {}
    faults.arm(Fault(address("put", "a", 2), "after", Fail(ConnectionError)))
    with pytest.raises(ConnectionError):
        wrapped.put("a", b"kept")
    assert store.kept == {"a": b"kept"}


def test_a_fault_happens_once_and_only_at_its_occurrence(faults: Faults) -> None:
    wrapped = wrap(Store(), "s", "objects", faults)
    fault = Fault(address("put", "a", 2), "before", Fail())
    faults.arm(fault)
    wrapped.put("a", b"first")
    assert faults.fired is None
    with pytest.raises(InjectedFault):
        wrapped.put("a", b"second")
    assert faults.fired == fault
    wrapped.put("a", b"third")


def test_a_crash_is_no_exception_that_code_may_survive(faults: Faults) -> None:
    wrapped = wrap(Store(), "s", "objects", faults)
    faults.arm(Fault(address("put", "a"), "before", Crash))

    def survive() -> None:
        try:
            wrapped.put("a", b"x")
        except Exception as error:  # what a crash must pass by
            raise AssertionError("survived") from error

    with pytest.raises(Crash):
        survive()


def test_a_delay_lets_others_go_first(faults: Faults) -> None:
    store = Store()
    wrapped = wrap(store, "s", "objects", faults)
    seen: list[dict[str, bytes]] = []
    faults.arm(Fault(address("put", "a"), "before", Delay(lambda: seen.append(dict(store.kept)))))
    assert wrapped.put("a", b"x") == 1
    assert seen == [{}]


def test_addresses_are_the_same_in_every_run(faults: Faults) -> None:
    wrapped = wrap(Store(), "s", "objects", faults)
    wrapped.put("campaigns/c/features/d1f7a0b2c3d4e5f60718/part-0.arrow", b"x")
    wrapped.put("jobs/3f2b8c1e-5a4d-4e8f-9b7a-0c1d2e3f4a5b/log", b"x")
    wrapped.put("campaigns/c/decade-of-facades", b"x")
    assert [call.key for call in faults.calls] == [
        "campaigns/c/features/*/part-0.arrow",
        "jobs/*/log",
        "campaigns/c/decade-of-facades",
    ]


def test_messages_are_addressed_by_topic_and_key_and_a_subscription_by_its_group(faults: Faults) -> None:
    bus = wrap(Log(), "s", "bus", faults)
    bus.publish([Message("t", "c2", b""), Message("t", "c1", b""), Message("t", "c1", b"")])
    reader = bus.subscribe("group", ["t"])
    assert len(reader.poll(10, 0)) == 3
    assert faults.calls == [
        address("publish", "t/c1,t/c2", port="bus"),
        address("subscribe", "group", port="bus"),
        address("poll", "group", port="subscription"),
    ]


def test_a_transaction_is_addressed_by_the_function_that_opens_it(
    database: Transactions, faults: Faults
) -> None:
    register_image(database)
    assert [(call.method, call.key.rsplit(".", 1)[-1]) for call in faults.calls] == [
        ("begin", "register_image"),
        ("commit", "register_image"),
    ]


@pytest.mark.parametrize(
    ("method", "when", "kept"),
    [("begin", "before", 0), ("begin", "after", 0), ("commit", "before", 0), ("commit", "after", 1)],
)
@pytest.mark.parametrize("what", [Fail(), Crash])
def test_a_transaction_is_kept_only_if_the_fault_comes_after_its_commit(
    real: Database, database: Transactions, faults: Faults, method: str, when: str, kept: int, what: object
) -> None:
    register_image(database)
    begin, commit = faults.calls
    target = begin if method == "begin" else commit
    again = Address(target.service, target.port, target.method, target.key, 2)
    faults.arm(Fault(again, when, what))  # type: ignore[arg-type]
    with pytest.raises((InjectedFault, Crash)):
        register_image(database)
    assert count(real) == 1 + kept
    register_image(database)
    assert count(real) == 2 + kept, "the connection and the writer's turn were given back"


def test_a_transaction_that_fails_by_itself_has_no_commit_to_address(
    database: Transactions, faults: Faults
) -> None:
    def refuse(_: Transaction) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        register_image(database, refuse)
    assert [call.method for call in faults.calls] == ["begin"]


def test_holds_and_reads_are_addressed_and_what_is_no_call_is_not(
    database: Transactions, faults: Faults
) -> None:
    with database.hold("relay") as held:
        assert held
    count(database)
    database.wake("jobs").set()
    assert (database.schema, database.on_sqlite) == ("s", True)
    assert [(call.method, call.key.rsplit(".", 1)[-1]) for call in faults.calls] == [
        ("hold", "relay"),
        ("read", "count"),
    ]


def run_one_job(real: Database, faults: Faults) -> None:
    """Do a job in a service that is built again when it dies, until there is nothing to do."""
    with real.transaction() as tx:
        Jobs(real).enqueue(tx, "embed", "c", {})

    def handler(lease: Lease) -> None:
        lease.heartbeat(done=1)
        with lease.finish() as tx:
            tx.execute(text("INSERT INTO notes VALUES ('x')"))

    for _ in range(8):
        jobs = Jobs(wrap(real, "s", "database", faults))
        try:
            while JobWorker(jobs, {"embed": handler}, "w").step():
                pass
        except (Crash, InjectedFault):
            continue
        finally:
            real.advance(60)


def test_a_job_has_its_effect_once_whatever_call_fails_or_dies(tmp_path: Path) -> None:
    def attempt(name: str, faults: Faults) -> None:
        database = Database(f"sqlite:///{tmp_path}/{name}.db", schema="s", clock=ManualClock())
        migrate(database)
        with database.transaction() as tx:
            tx.execute(text("CREATE TABLE notes (note TEXT)"))
        run_one_job(database, faults)
        with database.read() as tx:
            assert [job.state for job in Jobs(database).list(tx)] == [State.SUCCEEDED], str(faults.fired)
        assert count(database) == 1, f"the effect of the job, after {faults.fired}"
        database.close()

    recorder = Faults()
    attempt("none", recorder)
    assert any(call.key == "kit.jobs.jobs.Jobs.claim" for call in recorder.calls), (
        "a step of the kit names itself"
    )
    # The first dozen calls are the job's; after them workers only find that there is nothing left.
    cases = [
        Fault(call, when, what)
        for call in recorder.calls[:12]
        for when in ("before", "after")
        for what in (Fail(), Crash)
    ]
    for number, case in enumerate(cases):
        faults = Faults()
        faults.arm(case)
        attempt(str(number), faults)
        assert faults.fired == case, f"{case} was not reached"
