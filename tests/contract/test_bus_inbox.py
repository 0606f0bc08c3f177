"""Each event takes effect once and in the order of its key, whatever fails, on each database."""

import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from sqlalchemy import event, text

from aloft.kit.bus import Context, Delivery, Message, NotYet
from aloft.kit.bus.sweep import Sweep
from aloft.kit.bus.topics import LABELS_COMMITTED
from aloft.kit.bus.worker import InboxWorker
from aloft.kit.clock import SECOND
from aloft.kit.database import Database
from tests.contract.databases import place
from tests.contract.events import Crash, Loopback, fails_on, loopback

TOPIC = LABELS_COMMITTED.name


def test_a_handler_sees_a_typed_message_and_where_it_came_from(loop: Loopback) -> None:
    loop.announce("c1", 5)
    loop.settle()
    (context,) = loop.seen
    assert (context.topic, context.campaign, context.attempt) == (TOPIC, "c1", 1)
    row = loop.rows("SELECT created_us, event FROM outbox")[0]
    assert (context.event, context.time_us) == (row.event, row.created_us)


def test_each_key_takes_effect_in_order(loop: Loopback) -> None:
    for number in range(60):
        loop.announce(f"c{number % 3}", number)
    loop.settle()
    for key in range(3):
        assert loop.effects(f"c{key}") == list(range(key, 60, 3))


def test_what_the_broker_repeats_takes_effect_once(loop: Loopback) -> None:
    loop.announce("c1", 1, 2)
    loop.settle()
    loop.bus.publish([each.message for each in loop.bus.read(TOPIC, 0, 10)])
    loop.settle()
    assert loop.effects("c1") == [1, 2]


def test_a_crash_between_storing_and_committing_the_offset_repeats_nothing(loop: Loopback) -> None:
    loop.announce("c1", 1, 2)
    loop.relay.step()
    commit = loop.subscription.commit

    def dies(deliveries: list[Delivery]) -> None:
        raise Crash

    loop.subscription.commit = dies  # type: ignore[method-assign, assignment]
    with pytest.raises(Crash):
        loop.receiver.step()
    loop.subscription.commit = commit  # type: ignore[method-assign]
    loop.rejoin()
    loop.settle()
    assert loop.effects("c1") == [1, 2]


def test_what_could_not_be_stored_is_stored_by_the_next_step(loop: Loopback) -> None:
    loop.announce("c1", 1, 2)
    loop.relay.step()
    with loop.database.transaction() as tx:
        tx.execute(text("ALTER TABLE inbox RENAME TO away"))
    with pytest.raises(Exception, match="inbox"):
        loop.receiver.step()
    with loop.database.transaction() as tx:
        tx.execute(text("ALTER TABLE away RENAME TO inbox"))
    loop.settle()
    assert loop.effects("c1") == [1, 2], "a message that was read but not stored is lost"


def test_a_failing_event_is_undone_alone_and_holds_up_its_key_alone(loop: Loopback) -> None:
    loop.refuse = fails_on(3, RuntimeError("no"))
    loop.announce("c1", 1, 2, 3, 4)
    loop.announce("c2", 1, 2, 3, 4)
    loop.settle()
    assert loop.effects("c1") == [1, 2], "what came before the failing event keeps its effect"
    assert loop.effects("c2") == [1, 2, 3, 4], "another key passes"
    assert loop.metric("aloft_inbox_parked_lanes") == 1
    loop.refuse = lambda key, number, context: None
    loop.settle()
    assert loop.effects("c1") == [1, 2], "the lane does not wait before it tries again"
    loop.database.advance(0.6)
    loop.settle()
    assert loop.effects("c1") == [1, 2, 3, 4]
    assert loop.metric("aloft_inbox_parked_lanes") == 0


def test_a_lane_waits_longer_after_each_failure_up_to_a_minute(loop: Loopback) -> None:
    loop.refuse = fails_on(1, RuntimeError("no"))
    loop.announce("c1", 1)
    waits = []
    for _ in range(10):
        loop.settle()
        with loop.database.transaction() as tx:
            due = tx.execute(text("SELECT due_us FROM inbox_lanes")).scalar_one()
            waits.append(round((due - tx.now()) / SECOND, 1))
        loop.database.advance(61)
    assert waits == pytest.approx([0.5, 1, 2, 4, 8, 16, 32, 60, 60, 60], abs=0.45)
    assert [context.attempt for context in loop.seen] == list(range(1, 11))
    (lane,) = loop.rows("SELECT attempts, error FROM inbox_lanes")
    assert (lane.attempts, lane.error) == (10, "RuntimeError: no")


def test_an_event_of_an_unknown_campaign_waits_quietly_until_the_campaign_is_known(
    loop: Loopback, caplog: pytest.LogCaptureFixture
) -> None:
    loop.refuse = fails_on(1, NotYet("campaign c1"))
    loop.announce("c1", 1, 2)
    for _ in range(8):
        loop.settle()
        loop.database.advance(60)
    loop.settle()
    assert loop.effects("c1") == []
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert loop.metric("aloft_inbox_handled_total", topic=TOPIC, outcome="waiting") >= 8
    loop.refuse = lambda key, number, context: None
    loop.announce_campaign("c2")
    loop.settle()
    assert loop.effects("c1") == [], "another campaign's change wakes nothing"
    loop.announce_campaign("c1")
    loop.settle()
    assert loop.effects("c1") == [1, 2], "no time passed: the campaign's change is what woke the lane"


def test_a_type_that_this_service_does_not_handle_is_done_without_effect(loop: Loopback) -> None:
    headers = {"ce_id": "e1", "ce_type": "aloft.api.events.v2.New", "content-type": "application/protobuf"}
    loop.bus.publish([Message(TOPIC, "c1", b"", headers)])
    loop.announce("c1", 1)
    loop.settle()
    assert loop.effects("c1") == [1]
    assert [row.state for row in loop.rows("SELECT state FROM inbox")] == ["done", "done"]
    assert loop.metric("aloft_inbox_handled_total", topic=TOPIC, outcome="ignored") == 1


def test_a_crash_in_a_handler_leaves_neither_effect_nor_mark(loop: Loopback) -> None:
    loop.refuse = fails_on(2, Crash())
    loop.announce("c1", 1, 2, 3)
    loop.deliver()
    with pytest.raises(Crash):
        loop.worker.step()
    assert loop.effects("c1") == []
    assert {row.attempts for row in loop.rows("SELECT attempts FROM inbox_lanes")} == {0}
    loop.refuse = lambda key, number, context: None
    loop.settle()
    assert loop.effects("c1") == [1, 2, 3]


def test_lanes_take_turns(loop: Loopback) -> None:
    loop.announce("busy", *range(20))
    loop.announce("other", 1)
    loop.deliver()
    worker = InboxWorker(loop.database, loop.handlers, metrics=loop.metrics, batch=5)
    for _ in range(2):
        loop.database.advance(0.001)
        worker.step()
    assert len(loop.effects("busy")) == 5
    assert loop.effects("other") == [1], "a key with much to do goes behind the others after each turn"


def test_the_trace_of_the_change_is_the_parent_of_its_effects(loop: Loopback) -> None:
    emitting = trace.SpanContext(0x1234, 0x56, is_remote=False, trace_flags=trace.TraceFlags(1))
    seen: list[int] = []
    loop.refuse = lambda *_: seen.append(trace.get_current_span().get_span_context().trace_id)
    with trace.use_span(trace.NonRecordingSpan(emitting)):
        loop.announce("c1", 1)
    loop.settle()
    assert seen == [0x1234]
    assert loop.seen[0].traceparent == f"00-{0x1234:032x}-{0x56:016x}-01"


def test_hot_queries_touch_only_what_is_not_finished(loop: Loopback) -> None:
    """With thousands of finished rows, finding the few that are not must not walk them."""
    series = (
        "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 20000) SELECT n FROM s"
        if loop.database.on_sqlite
        else "SELECT generate_series(1, 20000) AS n"
    )
    with loop.database.transaction() as tx:
        tx.execute(
            text(f"""
            INSERT INTO inbox (event, topic, key, headers, payload, state, received_us, finished_us)
            SELECT 'e' || n, '{TOPIC}', 'c' || (n % 7), '{{}}', '', 'done', 0, 1 FROM ({series}) AS many""")
        )
        tx.execute(
            text(f"""
            INSERT INTO outbox (event, aggregatetype, aggregateid, type, subject, topic, traceparent, headers,
                                payload, created_us, published_us)
            SELECT 'e', 'campaign', 'c1', 't', '', 't', '', '{{}}', '', 0, 1 FROM ({series}) AS many""")
        )
        tx.execute(text("ANALYZE"))
    loop.announce("c1", 1)
    with statements_of(loop.database) as asked:
        loop.settle()
        Sweep(loop.database, chunk=10).step()
    assert loop.effects("c1") == [1]
    explain = "EXPLAIN QUERY PLAN " if loop.database.on_sqlite else "EXPLAIN "
    walks = re.compile(r"SCAN (inbox|outbox)(?! USING)|Seq Scan on (inbox|outbox)")
    with loop.database.engine.connect() as connection:
        for query, parameters in asked:
            plan = "\n".join(str(row) for row in connection.exec_driver_sql(explain + query, parameters))
            assert not walks.search(plan), f"walks the whole table:\n{query}\n{plan}"


@contextmanager
def statements_of(database: Database) -> Iterator[list[tuple[str, Any]]]:
    """Note what is asked of outbox and inbox, as the driver is told it."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, query: str, parameters: Any, _context: Any, many: bool) -> None:
        if not many and re.match(r"(SELECT|UPDATE|DELETE)", query) and re.search(r"\b(in|out)box\b", query):
            asked.append((query, parameters))

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


def test_a_slow_handler_holds_up_neither_the_receiver_nor_another_lane(
    postgres_database: str, tmp_path: Path
) -> None:
    """PostgreSQL alone has writers side by side."""
    entered, leave = threading.Event(), threading.Event()

    def slow(key: str, number: int, context: Context) -> None:
        if key == "slow":
            entered.set()
            assert leave.wait(20), "nothing let the slow handler go"

    with (
        place(tmp_path, postgres_database) as here,
        loopback(here.open(), tmp_path) as loop,
    ):
        loop.refuse = slow
        loop.announce("slow", 1)
        loop.deliver()
        busy = threading.Thread(target=loop.worker.step)
        busy.start()
        assert entered.wait(20)
        loop.announce("slow", 2)
        loop.announce("quick", 1)
        loop.deliver()
        second = InboxWorker(loop.database, loop.handlers, metrics=loop.metrics)
        while second.step():
            pass
        assert loop.effects("quick") == [1], "another lane waited for the slow handler"
        leave.set()
        busy.join(20)
        loop.settle()
        assert loop.effects("slow") == [1, 2], "what arrived during the slow handler was forgotten"
