"""Throughput of outbox, relay, Kafka, inbox and handler."""

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from prometheus_client import CollectorRegistry
from sqlalchemy import text

from aloft.api.events.v1 import events_pb2 as events
from aloft.bench.bus_room import EFFECT, LIMIT_S, TOPIC, Room, seconds
from aloft.kit.bus import Bus, Context, Handler, Handlers, emit, outbox
from aloft.kit.bus.inbox import WORKER
from aloft.kit.bus.metrics import BusMetrics
from aloft.kit.bus.port import Subscription
from aloft.kit.bus.receiver import Receiver
from aloft.kit.bus.relay import Relay
from aloft.kit.bus.worker import BATCH, InboxWorker
from aloft.kit.database import Transaction
from aloft.kit.steps import Loop

_EFFECT = text(EFFECT.format(":key", ":number"))


def apply(tx: Transaction, event: Any, context: Context) -> None:
    """Have the effect."""
    tx.execute(_EFFECT, {"key": context.campaign, "number": event.label_revision})


def events_per_second(here: Room, count: int, keys: int, workers: int, *, batch: int = BATCH) -> float:
    """Commit events to the outbox; then time from there until the effect of each is committed."""
    for start in range(0, count, 500):
        with here.database.transaction() as tx:
            for number in range(start, min(start + 500, count)):
                emit(tx, f"c{number % keys}", here.event(number))
    subscription = here.bus.subscribe(here.database.schema, [TOPIC])
    subscription.poll(1, 0.0)  # joins, as the bare consumer has joined before its time runs
    applied, last = itertools.count(1), threading.Event()

    def handler(tx: Transaction, event: Any, context: Context) -> None:
        apply(tx, event, context)
        if next(applied) == count:
            tx.on_commit(last.set)

    def until_all_took_effect() -> None:
        # Asking the database all the time would slow down what is measured.
        last.wait(LIMIT_S)
        here.wait_for_effects(count)

    with running(here, here.bus, subscription, handler, workers, batch):
        return count / seconds(until_all_took_effect)


@contextmanager
def running(
    here: Room, bus: Bus, subscription: Subscription, handler: Handler, workers: int, batch: int = BATCH
) -> Iterator[None]:
    """Run the loops as a service does."""
    database, metrics = here.database, BusMetrics(CollectorRegistry())
    handlers: Handlers = {events.LabelsCommitted: handler}
    loops = [
        Loop(Relay(database, bus, metrics=metrics), database.wake(outbox.RELAY)),
        Loop(Receiver(database, subscription, wait_s=0.5, metrics=metrics)),
    ]
    for _ in range(workers):
        worker = InboxWorker(database, handlers, metrics=metrics, batch=batch)
        loops.append(Loop(worker, database.wake(WORKER)))
    for loop in loops:
        loop.start()
    try:
        yield
    finally:
        for loop in loops:
            loop.stop()
        for loop in loops:
            loop.join(10)
        subscription.close()
