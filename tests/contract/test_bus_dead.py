"""What can never be handled is dead, with its reason, and holds up nothing."""

import random
from pathlib import Path

import pytest
from sqlalchemy import text

from aloft.api.events.v1 import events_pb2 as events
from aloft.kit.bus import Context, Message, NotYet, Poison, redrive
from aloft.kit.bus.receiver import Receiver
from aloft.kit.bus.topics import BATCH_SELECTED, LABELS_COMMITTED
from aloft.kit.database import Transaction
from tests.contract.databases import place
from tests.contract.events import Loopback, fails_on, loopback

TOPIC = LABELS_COMMITTED.name


def dead_letters(loop: Loopback) -> list[Message]:
    return [each.message for each in loop.bus.read(LABELS_COMMITTED.dead_letters, 0, 100)]


def test_poison_goes_to_the_dead_letters_at_once_and_its_key_goes_on(loop: Loopback) -> None:
    loop.refuse = fails_on(2, Poison("label revision 2 is of another campaign"))
    loop.announce("c1", 1, 2, 3)
    loop.settle()
    assert loop.effects("c1") == [1, 3]
    (letter,) = dead_letters(loop)
    assert letter.key == "c1"
    told = letter.headers
    assert told["dlq_topic"] == TOPIC
    assert told["dlq_error"] == "Poison: label revision 2 is of another campaign"
    assert told["dlq_attempts"] == "1"
    assert told["dlq_event"] != told["ce_id"], "a dead letter is an event of its own and names the first"
    assert loop.metric("aloft_dead_letters_total", topic=TOPIC) == 1


def test_redriving_brings_dead_events_back(loop: Loopback) -> None:
    loop.refuse = fails_on(1, Poison("for now"))
    loop.announce("c1", 1)
    loop.settle()
    (dead,) = loop.rows("SELECT event FROM inbox WHERE state = 'dead'")
    loop.refuse = lambda key, number, context: None
    with loop.database.transaction() as tx:
        assert redrive(tx, event="another") == 0
        assert redrive(tx, topic="another") == 0
        assert redrive(tx, event=dead.event) == 1
    loop.settle()
    assert loop.effects("c1") == [1]
    with loop.database.transaction() as tx:
        assert redrive(tx) == 0, "nothing is dead any more"


def test_a_payload_that_does_not_parse_goes_to_the_dead_letters(loop: Loopback) -> None:
    headers = {"ce_id": "e1", "ce_type": LABELS_COMMITTED.type, "content-type": "application/protobuf"}
    loop.bus.publish([Message(TOPIC, "c1", b"\xff\xff", headers)])
    loop.announce("c1", 1)
    loop.settle()
    assert loop.effects("c1") == [1]
    (letter,) = dead_letters(loop)
    assert letter.value == b"\xff\xff"
    assert "DecodeError" in letter.headers["dlq_error"]


@pytest.mark.parametrize(
    ("key", "headers", "why"),
    [
        ("c1", {}, "no ce_id and no ce_type header"),
        ("", {"ce_id": "e", "ce_type": LABELS_COMMITTED.type}, "no key, and the key is the campaign"),
        ("c1", {"ce_id": "e", "ce_type": "t", "content-type": "text/plain"}, "content-type is 'text/plain'"),
        (
            "c1",
            {"ce_id": "e", "ce_type": "t", "content-type": "application/protobuf", "ce_time": "noon"},
            "ce_time 'noon' is not a time",
        ),
    ],
)
def test_a_message_that_is_no_event_is_dead_once_and_named_by_its_place(
    loop: Loopback, key: str, headers: dict[str, str], why: str
) -> None:
    loop.bus.publish([Message(TOPIC, key, b"?", headers)])
    loop.receiver.step()
    loop.bus.commit("loopback", {TOPIC: 0})
    loop.rejoin()
    loop.settle()
    (row,) = loop.rows("SELECT event, state, error FROM inbox")
    assert (row.event, row.state) == (f"{TOPIC}/0/0", "dead")
    assert why in row.error
    (letter,) = dead_letters(loop)
    assert letter.headers["dlq_event"] == f"{TOPIC}/0/0"
    assert loop.metric("aloft_dead_letters_total", topic=TOPIC) == 1


CONTENT = {"content-type": "application/protobuf"}
USABLE = {"ce_id": "e", "ce_type": LABELS_COMMITTED.type, **CONTENT}


@pytest.mark.parametrize(
    ("key", "headers", "why"),
    [
        ("c\0", USABLE, "key holds a NUL"),
        ("c1", USABLE | {"ce_id": "e\0"}, "ce_id holds a NUL"),
        ("c1", USABLE | {"ce_type": "t\0", "ce_subject": "s\0"}, "ce_type holds a NUL"),
        ("c1", {"ce_type": "t\0", "ce_subject": "s\0"}, "no ce_id header"),
        ("c1", USABLE | {"ce_id": "\ufffd1"}, "ce_id holds a NUL, or is not UTF-8"),
        (random.Random(1).randbytes(4_000).hex(), USABLE, "key is longer than 500 bytes"),
        ("c1", USABLE | {"ce_id": random.Random(2).randbytes(4_000).hex()}, "ce_id is longer than 500 bytes"),
        ("c1", USABLE | {"ce_type": "ä" * 251}, "ce_type is longer than 500 bytes"),
        ("c1", USABLE | {"content-type": "x" * 100_000}, "content-type is 'xxx"),
    ],
    ids=range(9),
)
def test_a_message_that_no_database_could_keep_is_dead_and_what_follows_it_takes_effect(
    loop: Loopback, key: str, headers: dict[str, str], why: str
) -> None:
    loop.bus.publish([Message(TOPIC, key, b"?", headers)])
    loop.announce("c1", 1)
    loop.settle()
    assert loop.effects("c1") == [1], "one odd message holds up the others"
    assert loop.bus.committed("loopback", TOPIC) == 2, "what is stored is not committed"
    (row,) = loop.rows("SELECT event, key, error FROM inbox WHERE state = 'dead'")
    assert row.event == f"{TOPIC}/0/0"
    assert why in row.error
    (letter,) = dead_letters(loop)
    assert (letter.key, letter.headers["dlq_error"]) == (row.key, row.error)
    assert len(letter.key) < 510, "the dead letter has a key that no outbox could index"
    assert len(letter.headers["dlq_error"]) < 4_010, "the reason does not fit beside the payload"


def test_a_message_that_no_database_could_keep_is_dead_again_when_it_is_redriven(loop: Loopback) -> None:
    for number, key in enumerate(("", "c\0", "c" * 501)):
        loop.bus.publish([Message(TOPIC, key, b"", USABLE | {"ce_id": str(number)})])
    loop.settle()
    with loop.database.transaction() as tx:
        assert redrive(tx) == 3
    loop.settle()
    assert [row.state for row in loop.rows("SELECT state FROM inbox")] == ["dead"] * 3
    assert loop.seen == [], "a handler was given a key that nobody sent"


@pytest.mark.parametrize("error", [Poison("no image a\0b"), NotYet("a\0b"), RuntimeError("a\0b" * 100_000)])
def test_a_reason_that_no_database_could_keep_is_kept_as_far_as_it_can_be(
    loop: Loopback, error: Exception
) -> None:
    loop.refuse = fails_on(0, error)
    loop.bus.publish([Message(TOPIC, "c1", b"", USABLE | {"ce_subject": "s\0"})])
    loop.settle()
    kept = loop.rows("SELECT error FROM inbox UNION SELECT error FROM inbox_lanes")
    (why,) = [row.error for row in kept if row.error is not None]
    assert why.startswith(f"{type(error).__name__}: ")
    assert "a\ufffdb" in why, "the reason cannot be read"
    assert len(why) < 4_010, "the reason does not fit beside the payload"


def test_an_event_on_a_topic_of_another_type_is_dead_and_what_follows_it_takes_effect(
    loop: Loopback,
) -> None:
    loop.handlers[events.BatchSelected] = lambda tx, event, context: loop.seen.append(context)
    loop.rejoin()
    loop.receiver = Receiver(loop.database, loop.bus.subscribe("selected", [BATCH_SELECTED.name]))
    for number, kind in enumerate((LABELS_COMMITTED.type, BATCH_SELECTED.type)):
        headers = USABLE | {"ce_id": str(number), "ce_type": kind}
        loop.bus.publish([Message(BATCH_SELECTED.name, "c1", b"", headers)])
    loop.settle()
    (dead,) = loop.rows("SELECT event, error FROM inbox WHERE state = 'dead'")
    assert dead.event == f"{BATCH_SELECTED.name}/0/0"
    assert dead.error == f"{LABELS_COMMITTED.type} does not belong on {BATCH_SELECTED.name}"
    assert [context.event for context in loop.seen] == ["1"], "its lane is parked behind it"
    with loop.database.transaction() as tx:
        redrive(tx)
    loop.settle()
    (again,) = loop.rows("SELECT error FROM inbox WHERE state = 'dead'")
    assert again.error == f"Malformed: {dead.error}", "redriven, it reaches a handler"


def test_an_event_with_a_value_that_the_database_refuses_is_dead_at_once(
    postgres_database: str, tmp_path: Path
) -> None:
    """PostgreSQL alone refuses a text with a NUL."""
    with place(tmp_path, postgres_database) as here, loopback(here.open(), tmp_path) as loop:

        def note(tx: Transaction, event: events.LabelsCommitted, context: Context) -> None:
            tx.execute(text("INSERT INTO effects (key, number) VALUES ('c1', 0)"))
            if event.label_revision == 2:
                tx.execute(text("UPDATE effects SET key = :key"), {"key": "c\0"})

        loop.handlers[events.LabelsCommitted] = note
        loop.rejoin()
        loop.announce("c1", 1, 2, 3)
        loop.settle()
        assert loop.effects("c1") == [0, 0], "the lane is parked, or not all of the refused event is undone"
        (letter,) = dead_letters(loop)
        assert "cannot contain NUL" in letter.headers["dlq_error"]
        assert letter.headers["dlq_attempts"] == "1"
