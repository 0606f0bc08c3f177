"""What is announced reaches the bus exactly when its state is committed, in order, on each database."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from aloft.api.events.v1 import events_pb2 as events
from aloft.kit.bus import Delivery, EventTooLarge, Message, emit
from aloft.kit.bus.relay import Relay, Unacknowledged
from aloft.kit.bus.sweep import Sweep
from aloft.kit.bus.topics import IMAGE_REGISTERED, LABELS_COMMITTED
from tests.contract.events import Crash, Loopback


def on_the_bus(loop: Loopback, topic: str = LABELS_COMMITTED.name) -> list[Delivery]:
    return loop.bus.read(topic, 0, 10_000)


def revisions(deliveries: Sequence[Delivery]) -> list[int]:
    return [events.LabelsCommitted.FromString(each.message.value).label_revision for each in deliveries]


def test_an_event_carries_what_cloudevents_ask_for(loop: Loopback) -> None:
    with loop.database.transaction() as tx:
        now = tx.now()
        event = emit(tx, "c1", events.LabelsCommitted(campaign="c1", label_revision=7), subject="images/ab")
    loop.relay.step()
    (delivery,) = on_the_bus(loop)
    headers = dict(delivery.message.headers)
    assert headers.pop("ce_time").endswith("Z")
    assert headers == {
        "ce_specversion": "1.0",
        "ce_id": event,
        "ce_type": "aloft.api.events.v1.LabelsCommitted",
        "ce_source": f"/aloft/{loop.database.schema}",
        "ce_subject": "images/ab",
        "content-type": "application/protobuf",
    }
    assert delivery.message.key == "c1"
    assert loop.rows("SELECT created_us FROM outbox")[0].created_us >= now


def test_a_change_that_is_rolled_back_announces_nothing(loop: Loopback) -> None:
    def fail() -> None:
        with loop.database.transaction() as tx:
            emit(tx, "c1", events.LabelsCommitted())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert not loop.relay.step()
    assert on_the_bus(loop) == []


def test_committing_wakes_the_relay(loop: Loopback) -> None:
    wake = loop.database.wake("outbox")
    loop.announce("c1", 1)
    assert wake._event.is_set(), "an event waited for the relay to look by itself"


def test_an_event_is_published_once_and_the_next_step_finds_nothing(loop: Loopback) -> None:
    loop.announce("c1", 1, 2, 3)
    loop.relay.step()
    loop.relay.step()
    assert revisions(on_the_bus(loop)) == [1, 2, 3]
    assert loop.metric("aloft_outbox_published_total", topic=LABELS_COMMITTED.name) == 3


def test_a_relay_that_dies_before_it_marks_repeats_and_the_inbox_takes_each_once(loop: Loopback) -> None:
    loop.announce("c1", 1, 2)

    class DiesAfter:
        def publish(self, messages: Sequence[Message]) -> Sequence[bool]:
            loop.bus.publish(messages)
            raise Crash

    with pytest.raises(Crash):
        Relay(loop.database, DiesAfter(), metrics=loop.metrics).step()  # type: ignore[arg-type]
    loop.settle()
    assert revisions(on_the_bus(loop)) == [1, 2, 1, 2]
    assert loop.effects("c1") == [1, 2]


def test_what_the_broker_did_not_take_stays_and_is_published_later(loop: Loopback) -> None:
    loop.announce("c1", 1, 2)

    class Away:
        def publish(self, messages: Sequence[Message]) -> Sequence[bool]:
            return [False] * len(messages)

    with pytest.raises(Unacknowledged, match="2 of 2 events"):
        Relay(loop.database, Away(), metrics=loop.metrics).step()  # type: ignore[arg-type]
    assert loop.metric("aloft_outbox_pending") == 2
    loop.settle()
    assert loop.effects("c1") == [1, 2]
    assert loop.metric("aloft_outbox_pending") == 0


def test_a_topic_that_takes_nothing_does_not_hold_up_the_others(loop: Loopback) -> None:
    relay = Relay(loop.database, loop.bus, metrics=loop.metrics, batch=2)
    with loop.bus.transaction() as connection:
        connection.execute("DELETE FROM topics WHERE name = ?", (IMAGE_REGISTERED.name,))
    with loop.database.transaction() as tx:
        emit(tx, "c1", events.ImageRegistered())
        emit(tx, "c1", events.LabelsCommitted(label_revision=1))
        emit(tx, "c1", events.ImageRegistered())
        emit(tx, "c1", events.ImageRegistered())
        emit(tx, "c1", events.LabelsCommitted(label_revision=2))
    with pytest.raises(Unacknowledged, match=r"1 of 2 events \(aloft.image.registered.v1\)"):
        relay.step()
    relay.step()
    assert revisions(on_the_bus(loop)) == [1, 2], "events behind those of a broken topic were not published"


def test_only_one_relay_publishes_at_a_time(loop: Loopback) -> None:
    loop.announce("c1", 1)
    with loop.database.hold("relay") as held:
        assert held
        assert not loop.relay.step()
        assert on_the_bus(loop) == []
    loop.relay.step()
    assert revisions(on_the_bus(loop)) == [1]


def test_an_event_too_large_for_a_broker_is_refused_where_it_is_emitted(loop: Loopback) -> None:
    with pytest.raises(EventTooLarge, match="put the bulk into an object"), loop.database.transaction() as tx:
        emit(tx, "c1", events.ImageReleased(images=["x" * 1000] * 901))


def test_concurrent_writers_of_a_key_are_announced_in_commit_order_without_a_gap(loop: Loopback) -> None:
    with loop.database.transaction() as tx:
        tx.execute(text("CREATE TABLE campaign (revision BIGINT)"))
        tx.execute(text("INSERT INTO campaign VALUES (0)"))
    together = threading.Barrier(4)

    def write() -> None:
        together.wait()
        for _ in range(25):
            with loop.database.transaction() as tx:
                emit(tx, "c1", events.ImageReleased())  # before the state's own lock is had
                query = "UPDATE campaign SET revision = revision + 1 RETURNING revision"
                revision = tx.execute(text(query)).scalar_one()
                emit(tx, "c1", events.LabelsCommitted(campaign="c1", label_revision=revision))
            loop.relay.step()

    with ThreadPoolExecutor(4) as pool:
        for writer in [pool.submit(write) for _ in range(4)]:
            writer.result()
    while loop.relay.step():
        pass
    assert revisions(on_the_bus(loop)) == list(range(1, 101))


def test_the_sweep_removes_what_is_finished_and_old_and_nothing_else(loop: Loopback) -> None:
    loop.announce("c1", 1, 2)
    loop.settle()
    loop.database.advance(6 * 86_400)
    loop.announce("c1", 3)
    loop.settle()
    loop.announce("c1", 4)
    loop.database.advance(2 * 86_400)
    sweep = Sweep(loop.database, chunk=1)
    assert sweep.step(), "a full chunk means there may be more"
    while sweep.step():
        pass
    left = [row.published_us is None for row in loop.rows("SELECT published_us FROM outbox ORDER BY id")]
    assert left == [False, True], "a week of what is published and everything unpublished are kept"
    assert len(loop.rows("SELECT 1 FROM inbox")) == 1
