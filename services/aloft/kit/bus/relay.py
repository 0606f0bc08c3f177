"""Publishes what the outbox holds, in the order of its ids, and marks what the broker acknowledged."""

import json
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, select, update

from aloft.kit.bus import cloudevents, tables
from aloft.kit.bus.metrics import BusMetrics, metrics_in
from aloft.kit.bus.port import Bus, Message
from aloft.kit.database.database import Transactions

BATCH = 500
"""How many events one step publishes at most."""
AVOID_S = 1.0
"""How long a topic that did not take its events is left out while others do."""


class Unacknowledged(ConnectionError):
    """The broker did not take events; they stay in the outbox and are sent again."""


class Relay:
    """One per database, whoever holds the lock. Killed anywhere, it repeats at most."""

    name = "relay"

    def __init__(
        self, database: Transactions, bus: Bus, *, metrics: BusMetrics | None = None, batch: int = BATCH
    ) -> None:
        self._database = database
        self._bus = bus
        self._metrics = metrics or metrics_in()
        self._batch = batch
        self._avoided: dict[str, float] = {}

    def step(self) -> bool:
        """Publish one batch. Raises `Unacknowledged` if some were not taken."""
        with self._database.hold("relay") as held:
            if not held:
                return False
            rows = self._unpublished()
            if not rows:
                return False
            taken = self._bus.publish([_message(row, self._database.schema) for row in rows])
            self._mark([row for row, ok in zip(rows, taken, strict=True) if ok])
            self._judge([row for row, ok in zip(rows, taken, strict=True) if not ok], len(rows))
        return len(rows) == self._batch

    def _unpublished(self) -> Sequence[Row[Any]]:
        self._avoided = {topic: until for topic, until in self._avoided.items() if until > time.monotonic()}
        column = tables.outbox.c
        query = (
            select(tables.outbox).where(column.published_us.is_(None)).order_by(column.id).limit(self._batch)
        )
        if self._avoided:
            query = query.where(column.topic.not_in(sorted(self._avoided)))
        with self._database.read() as tx:
            return tx.execute(query.order_by(column.id).limit(self._batch)).all()

    def _mark(self, rows: Sequence[Row[Any]]) -> None:
        if not rows:
            return
        with self._database.transaction() as tx:
            tx.execute(_MARK_SQLITE if tx.on_sqlite else _MARK_POSTGRESQL, {"ids": [row.id for row in rows]})
        for topic, count in Counter(row.topic for row in rows).items():
            self._metrics.published.labels(self._database.schema, topic).inc(count)

    def _judge(self, refused: Sequence[Row[Any]], tried: int) -> None:
        if not refused:
            return
        if len(refused) < tried:
            # Some were taken, so the broker is there: a topic that takes nothing must not hold up the others.
            until = time.monotonic() + AVOID_S
            self._avoided |= {row.topic: until for row in refused}
        raise Unacknowledged(
            f"the broker did not acknowledge {len(refused)} of {tried} events"
            f" ({', '.join(sorted({row.topic for row in refused}))}); they stay in the outbox"
        )


_MARK = update(tables.outbox).values(published_us=tables.now())
_MARK_SQLITE = _MARK.where(tables.among_sqlite(tables.outbox.c.id))
_MARK_POSTGRESQL = _MARK.where(tables.among_postgresql(tables.outbox.c.id))


def _message(row: Row[Any], schema: str) -> Message:
    attributes = cloudevents.Attributes(
        id=row.event,
        type=row.type,
        source=f"/aloft/{schema}",
        time_us=row.created_us,
        subject=row.subject,
        traceparent=row.traceparent,
    )
    headers = json.loads(row.headers) | cloudevents.to_headers(attributes)
    return Message(row.topic, row.aggregateid, row.payload, headers)
