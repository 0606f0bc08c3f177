"""Keep what arrived until it is handled: each event once, whatever the broker repeats."""

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, bindparam, select, text, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from aloft.kit.bus import cloudevents, outbox, tables
from aloft.kit.bus.lanes import Lane, open_lanes
from aloft.kit.bus.port import Delivery
from aloft.kit.bus.topics import dead_letters_of, may_carry
from aloft.kit.database import Transaction

log = logging.getLogger(__name__)

WORKER = "inbox"
"""What the worker's wake is called."""
NAME_BYTES = 500
"""The longest key, id and type in UTF-8: an index of every database holds them together."""
REASON_BYTES = 4_000
"""How much is kept of why an event was not handled: it goes out as a header beside the payload."""
_LOST = "\ufffd"


def store(tx: Transaction, deliveries: Sequence[Delivery]) -> list[str]:
    """Take in what is not known already. Names the topics of messages that are no events."""
    good, bad = [], []
    # One order for every receiver: two that overlap after a rebalance wait for each other, never crosswise.
    for delivery in sorted(deliveries, key=lambda each: (each.message.topic, each.partition, each.offset)):
        message = delivery.message
        try:
            event = check(message.topic, message.key, message.headers).id
        except cloudevents.Malformed as error:
            bad.append((delivery, str(error)))
        else:
            good.append(_row(delivery, event))
    buried = [delivery.message.topic for delivery, why in bad if _bury_malformed(tx, delivery, why)]
    if good:
        _put(tx, good)
        # Last, because a worker takes the lock of an outbox before the rows of lanes.
        open_lanes(tx, (Lane(row["topic"], row["key"]) for row in good))
        tx.on_commit(tx.database.wake(WORKER).set)
    return buried


def check(topic: str, key: str, headers: Mapping[str, str]) -> cloudevents.Attributes:
    """Read the attributes of an event that can be kept and handled, or raise `Malformed`."""
    if not key:
        raise cloudevents.Malformed("no key, and the key is the campaign")
    event = cloudevents.from_headers(headers)
    for name, value in {"key": key, "ce_id": event.id, "ce_type": event.type}.items():
        if "\0" in value or _LOST in value:
            raise cloudevents.Malformed(f"{name} holds a NUL, or is not UTF-8")
        if storable(value) != value:
            raise cloudevents.Malformed(f"{name} is longer than {NAME_BYTES} bytes")
    if not may_carry(topic, event.type):
        raise cloudevents.Malformed(f"{event.type} does not belong on {topic}")
    return event


def storable(value: str, limit: int = NAME_BYTES) -> str:
    """Make a text that every database keeps; U+FFFD stands for what is lost, so `check` refuses it again."""
    clean = value.replace("\0", _LOST).encode(errors="replace")
    return clean.decode() if len(clean) <= limit else clean[:limit].decode(errors="ignore") + _LOST


def _bury_malformed(tx: Transaction, delivery: Delivery, why: str) -> bool:
    message, why = delivery.message, storable(why, REASON_BYTES)
    # It has no usable id, but the place where it was read names it just as well.
    row = _row(delivery, f"{message.topic}/{delivery.partition}/{delivery.offset}")
    row["key"] = storable(message.key)
    dead = row | {"state": tables.DEAD, "error": why}
    if tx.execute(_insert(tx).returning(tables.inbox.c.id), dead).first() is None:
        return False
    log.warning("%s is no event (%s); it goes to the dead letters", row["event"], why)
    send_dead_letter(
        tx, Lane(message.topic, row["key"]), row["event"], message.value, message.headers, why, 0
    )
    return True


def bury(tx: Transaction, row: Row[Any], why: str, attempts: int) -> None:
    """Give an event up: it stays here as dead, where `redrive` finds it, and its dead letter goes out."""
    at = {"row": row.id, "why": why, "n": attempts}
    tx.execute(_BURY, at)
    send_dead_letter(tx, Lane(row.topic, row.key), row.event, row.payload, headers_of(row), why, attempts)


def headers_of(row: Row[Any]) -> dict[str, str]:
    """Read the headers that an event came with."""
    headers: dict[str, str] = json.loads(row.headers)
    return headers


def send_dead_letter(
    tx: Transaction,
    lane: Lane,
    event: str,
    payload: bytes,
    headers: Mapping[str, str],
    why: str,
    attempts: int,
) -> None:
    """Write the dead letter: the same payload, with origin, error and attempts as headers."""
    told = {
        "dlq_event": event,
        "dlq_topic": lane.topic,
        "dlq_source": headers.get("ce_source", ""),
        "dlq_service": tx.database.schema,
        "dlq_error": why,
        "dlq_attempts": str(attempts),
    }
    kind = storable(headers.get("ce_type") or "unknown")
    subject = storable(headers.get("ce_subject", ""))
    outbox.put(tx, dead_letters_of(lane.topic), lane.key, kind, payload, subject=subject, headers=told)


def next_events(tx: Transaction, lane: Lane, limit: int) -> Sequence[Row[Any]]:
    """Read the lane's first pending events, in order."""
    return tx.execute(_NEXT.limit(limit), {"t": lane.topic, "k": lane.key}).all()


def mark_done(tx: Transaction, ids: Sequence[int]) -> None:
    """Say that the effects of these are in this transaction."""
    tx.execute(_DONE_SQLITE if tx.on_sqlite else _DONE_POSTGRESQL, {"ids": list(ids)})


def redrive(tx: Transaction, event: str | None = None, topic: str | None = None) -> int:
    """Send dead events back into their lanes: one, those of a topic, or all. Counts them."""
    column = tables.inbox.c
    chosen = update(tables.inbox).where(tables.IS_DEAD)
    if event is not None:
        chosen = chosen.where(column.event == event)
    if topic is not None:
        chosen = chosen.where(column.topic == topic)
    back = chosen.values(state=tables.PENDING, attempts=0, error=None, finished_us=None)
    rows = tx.execute(back.returning(column.topic, column.key)).all()
    open_lanes(tx, (Lane(row.topic, row.key) for row in rows))
    tx.on_commit(tx.database.wake(WORKER).set)
    return len(rows)


def _row(delivery: Delivery, event: str) -> dict[str, Any]:
    message = delivery.message
    return {
        "event": event,
        "topic": message.topic,
        "key": message.key,
        "headers": json.dumps(dict(message.headers)),
        "payload": message.value,
        "state": tables.PENDING,
        "error": None,
    }


def _put(tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
    if tx.on_sqlite:
        tx.execute(_insert(tx), rows)
    else:
        # One statement for all: a statement for each costs the server and this process several times as much.
        tx.execute(_INSERT_MANY, {name: [row[name] for row in rows] for name in _COLUMNS})


def _insert(tx: Transaction) -> Any:
    return _INSERT_SQLITE if tx.on_sqlite else _INSERT_POSTGRESQL


_c = tables.inbox.c
_SET = {"attempts": 0, "received_us": tables.now()}
_INSERT_POSTGRESQL = (
    postgresql_insert(tables.inbox).values(_SET).on_conflict_do_nothing(index_elements=["event"])
)
_INSERT_SQLITE = sqlite_insert(tables.inbox).values(_SET).on_conflict_do_nothing(index_elements=["event"])
_COLUMNS = {"event": "text", "topic": "text", "key": "text", "headers": "text", "payload": "bytea"}
_INSERT_MANY = text(f"""
    INSERT INTO inbox ({", ".join(_COLUMNS)}, state, attempts, received_us)
    SELECT {", ".join(_COLUMNS)}, 'pending', 0, (SELECT aloft_now())
    FROM unnest({", ".join(f"CAST(:{name} AS {kind}[])" for name, kind in _COLUMNS.items())})
        WITH ORDINALITY AS given ({", ".join(_COLUMNS)}, place)
    ORDER BY place ON CONFLICT (event) DO NOTHING""")
_NEXT = (
    select(tables.inbox)
    .where(tables.IS_PENDING, _c.topic == bindparam("t"), _c.key == bindparam("k"))
    .order_by(_c.id)
)
_DONE = update(tables.inbox).values(state=tables.DONE, finished_us=tables.now(), error=None)
_DONE_SQLITE = _DONE.where(tables.among_sqlite(_c.id))
_DONE_POSTGRESQL = _DONE.where(tables.among_postgresql(_c.id))
_BURY = (
    update(tables.inbox)
    .where(_c.id == bindparam("row"))
    .values(state=tables.DEAD, finished_us=tables.now(), error=bindparam("why"), attempts=bindparam("n"))
)
