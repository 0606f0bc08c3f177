"""Announce a change in the transaction that makes it: the event is a row until the relay has published it."""

import json
import uuid
from collections.abc import Mapping

from google.protobuf.message import Message as Payload

from aloft.kit.bus import tables, topics, tracing
from aloft.kit.database import Transaction
from aloft.kit.telemetry.tracing import traceparent

MAX_PAYLOAD = 900_000
"""The longest payload in bytes; with headers and framing, less than the megabyte that brokers take."""
RELAY = "outbox"
"""What the relay's wake is called."""


class EventTooLarge(ValueError):
    """The event does not fit into one message of a broker."""


def emit(tx: Transaction, key: str, event: Payload, subject: str = "") -> str:
    """Announce `event` for `key`, if and when this transaction commits; say the event's id."""
    topic = topics.topic_of(type(event))
    payload = event.SerializeToString(deterministic=True)
    if len(payload) > MAX_PAYLOAD:
        raise EventTooLarge(
            f"{type(event).__name__} of {key!r} is {len(payload)} bytes and an event holds"
            f" {MAX_PAYLOAD} at most: put the bulk into an object and its key and digest into the event"
        )
    with tracing.emitting(tx, topic, key, event):
        return put(tx, topic.name, key, topic.type, payload, subject=subject)


def put(
    tx: Transaction,
    topic: str,
    key: str,
    kind: str,
    payload: bytes,
    *,
    subject: str = "",
    headers: Mapping[str, str] | None = None,
) -> str:
    """Write a row of the outbox. `headers` go out beside those of CloudEvents."""
    # Ids are taken under the lock and it is kept to the end, so ids of one key are in commit order.
    tx.lock(f"{RELAY}/{key}")
    event = str(uuid.uuid4())
    row = {
        "event": event,
        "aggregatetype": "campaign",
        "aggregateid": key,
        "type": kind,
        "subject": subject,
        "topic": topic,
        "traceparent": traceparent(),
        "headers": json.dumps(dict(headers or {})),
        "payload": payload,
    }
    tx.execute(_INSERT, row)
    tx.on_commit(tx.database.wake(RELAY).set)
    return event


_INSERT = tables.outbox.insert().values(created_us=tables.now())
