"""Throughput of outbox, relay, Kafka, inbox and handler."""

import itertools
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from prometheus_client import CollectorRegistry
from sqlalchemy import text

from aloft.api.events.v1 import events_pb2 as events
from aloft.bench.bus_room import EFFECT, LIMIT_S, TOPIC, Room, giver, seconds
from aloft.kit.bus import Context, Handler, Handlers, emit, outbox
from aloft.kit.bus.inbox import WORKER
from aloft.kit.bus.kafka import KafkaBus
from aloft.kit.bus.kafka_config import KafkaConfig
from aloft.kit.bus.metrics import BusMetrics
from aloft.kit.bus.port import Subscription
from aloft.kit.bus.receiver import Receiver
from aloft.kit.bus.relay import Relay
from aloft.kit.bus.worker import BATCH, InboxWorker
from aloft.kit.database import Database, Transaction
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
        go()
        # Asking the database all the time would slow down what is measured.
        last.wait(LIMIT_S)
        here.wait_for_effects(count)

    with (
        giver(relay, here.database.url, here.database.schema, here.kafka) as go,
        receiving(here, subscription, handler, workers, batch),
    ):
        return count / seconds(until_all_took_effect)


def relay(url: str, schema: str, kafka: KafkaConfig, ready: Any, go: Any) -> None:
    """Publish, in a process of its own, until it is ended."""
    database, bus = Database(url, schema=schema), KafkaBus(kafka)
    step = Relay(database, bus, metrics=BusMetrics(CollectorRegistry()))
    bus.publish([])  # connects
    ready.set()
    go.wait()
    loop = Loop(step, database.wake(outbox.RELAY))
    loop.start()
    threading.Event().wait()


@contextmanager
def receiving(
    here: Room, subscription: Subscription, handler: Handler, workers: int, batch: int = BATCH
) -> Iterator[None]:
    """Run receiver and workers as a service does."""
    database, metrics = here.database, BusMetrics(CollectorRegistry())
    handlers: Handlers = {events.LabelsCommitted: handler}
    loops = [Loop(Receiver(database, subscription, wait_s=0.5, metrics=metrics))]
    for _ in range(workers):
        worker = InboxWorker(database, handlers, metrics=metrics, batch=batch)
        loops.append(Loop(worker, database.wake(WORKER)))
    with looping(loops):
        yield
    subscription.close()


@contextmanager
def looping(loops: Sequence[Loop]) -> Iterator[None]:
    """Run loops until the end of the block."""
    for loop in loops:
        loop.start()
    try:
        yield
    finally:
        for loop in loops:
            loop.stop()
        for loop in loops:
            loop.join(10)
