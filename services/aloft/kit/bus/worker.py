"""Handles what the inbox holds, lane by lane: the effects of events and their marks are one transaction."""

import logging
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError
from sqlalchemy import Row
from sqlalchemy.exc import DataError

from aloft.kit.bus import cloudevents, inbox, lanes, rounds, tracing
from aloft.kit.bus.context import Context, Handlers, NotYet, Poison
from aloft.kit.bus.lanes import Lane
from aloft.kit.bus.metrics import BusMetrics, metrics_in
from aloft.kit.bus.topics import BATCH_SELECTED, CAMPAIGN_CHANGED
from aloft.kit.database import Transaction
from aloft.kit.database.database import Transactions

log = logging.getLogger(__name__)

BATCH = 50
"""How many events of one lane share a transaction at most."""


@dataclass(frozen=True, slots=True)
class _Handled:
    row: Row[Any]
    outcome: str
    seconds: float


class _Failed(Exception):
    """A handler raised; its transaction is undone."""

    def __init__(self, lane: Lane, row: Row[Any], attempt: int, before: int) -> None:
        super().__init__(row.event)
        self.lane, self.row, self.attempt, self.before = lane, row, attempt, before


class InboxWorker:
    """Any number may run, in any number of processes. A crash anywhere leaves effect and mark, or neither."""

    name = "inbox"

    def __init__(
        self,
        database: Transactions,
        handlers: Handlers,
        *,
        metrics: BusMetrics | None = None,
        batch: int = BATCH,
    ) -> None:
        self._database = database
        self._handlers = {
            payload.DESCRIPTOR.full_name: (payload, apply) for payload, apply in handlers.items()
        }
        self._metrics = metrics or metrics_in()
        self._batch = batch

    def step(self) -> bool:
        """Serve the lane that has been due longest."""
        try:
            return self._serve(None, self._batch)
        except _Failed as failure:
            if failure.before:
                self._one_by_one(failure.lane, failure.before + 1)
            else:
                self._settle(failure)
        return True

    def _one_by_one(self, lane: Lane, count: int) -> None:
        """Apply again what was undone because of one among them, up to that one."""
        try:
            for _ in range(count):
                if not self._serve(lane, 1):
                    return
        except _Failed as failure:
            self._settle(failure)

    def _serve(self, lane: Lane | None, limit: int) -> bool:
        with self._database.transaction() as tx:
            if lane is None:
                lane = lanes.claim_due(tx)
            elif not lanes.claim(tx, lane):
                return False
            if lane is None:
                return False
            failed = lanes.failed_attempts(tx, lane)
            if failed is None:
                return True  # another worker served it between the look and the claim
            handled = self._apply(tx, lane, inbox.next_events(tx, lane, limit), failed + 1)
            if handled:
                inbox.mark_done(tx, [each.row.id for each in handled])
            if handled and lane.topic == CAMPAIGN_CHANGED.name:
                lanes.due_now(tx, lane.key, besides=lane)
            lanes.settle(tx, lane)
        self._count(lane, handled)
        return True

    def _apply(self, tx: Transaction, lane: Lane, rows: Sequence[Row[Any]], attempt: int) -> list[_Handled]:
        handled: list[_Handled] = []
        for row in rows:
            started = time.perf_counter()
            try:
                outcome = self._handle(tx, row, attempt)
            except Exception as error:
                raise _Failed(lane, row, attempt, len(handled)) from error
            handled.append(_Handled(row, outcome, time.perf_counter() - started))
            attempt = 1
        return handled

    def _handle(self, tx: Transaction, row: Row[Any], attempt: int) -> str:
        event = inbox.check(row.topic, row.key, inbox.headers_of(row))
        known = self._handlers.get(event.type)
        if known is None:
            return "ignored"
        payload, handler = known
        context = Context(
            row.event, row.topic, row.key, event.subject, event.time_us, event.traceparent, attempt
        )
        with tracing.handling(row.topic, row.key, row.event, event.traceparent) as span:
            said = payload.FromString(row.payload)
            told = tracing.about(said)
            span.set_attributes(told)
            if event.type == BATCH_SELECTED.type:
                rounds.remember(tx, row.key, int(told["aloft.batch"]))
            handler(tx, said, context)
        return "done"

    def _settle(self, failure: _Failed) -> None:
        """Write down that an event failed: dead if it always will, else its lane waits."""
        error, lane, row = failure.__cause__, failure.lane, failure.row
        outcome = _outcome(error)
        why = inbox.storable(f"{type(error).__name__}: {error}", inbox.REASON_BYTES)
        with self._database.transaction() as tx:
            first = inbox.next_events(tx, lane, 1) if lanes.claim(tx, lane) else ()
            if not first or first[0].id != row.id:
                return  # another worker has gone on with the lane since
            if outcome == "dead":
                inbox.bury(tx, row, why, failure.attempt)
                lanes.settle(tx, lane)
            else:
                lanes.back_off(tx, lane, failure.attempt, why)
        self._tell(failure, outcome, why)

    def _tell(self, failure: _Failed, outcome: str, why: str) -> None:
        row = failure.row
        self._metrics.handled.labels(self._database.schema, row.topic, outcome).inc()
        told = {"campaign": row.key, "event": row.event, "topic": row.topic, "attempt": failure.attempt}
        if outcome == "dead":
            self._metrics.dead.labels(self._database.schema, row.topic).inc()
            log.error("an event of %s goes to the dead letters: %s", row.topic, why, extra=told)
        elif outcome == "failed":
            cause = failure.__cause__
            log.warning(
                "an event of %s failed and will be tried again", row.topic, exc_info=cause, extra=told
            )

    def _count(self, lane: Lane, handled: Sequence[_Handled]) -> None:
        took = self._metrics.seconds.labels(self._database.schema, lane.topic)
        for each in handled:
            took.observe(each.seconds)
        for outcome, count in Counter(each.outcome for each in handled).items():
            self._metrics.handled.labels(self._database.schema, lane.topic, outcome).inc(count)


def _outcome(error: BaseException | None) -> str:
    # A value that the database refuses is refused however often it is tried; an outage is another error.
    if isinstance(error, Poison | DecodeError | cloudevents.Malformed | DataError):
        return "dead"
    return "waiting" if isinstance(error, NotYet) else "failed"
