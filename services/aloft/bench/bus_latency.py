"""How long one event takes when there are few, and what that is made of."""

import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from prometheus_client import CollectorRegistry

from aloft.bench.bus_ours import apply, looping, receiving
from aloft.bench.bus_room import TOPIC, Room
from aloft.bench.report import percentile
from aloft.kit.bus import Bus, Context, Delivery, Message, Subscription, emit
from aloft.kit.bus.metrics import BusMetrics
from aloft.kit.bus.outbox import RELAY
from aloft.kit.bus.relay import Relay
from aloft.kit.database import Transaction
from aloft.kit.steps import Loop

RATE = 10
"""Events a second."""

_STAGES = {
    "commit_to_relay": ("committed", "relayed"),
    "relay_to_acknowledged": ("relayed", "acknowledged"),
    "relay_to_received": ("relayed", "received"),
    "received_to_stored": ("received", "stored"),
    "stored_to_effect": ("stored", "effect"),
}


class Stopwatch:
    """When each event passed each place."""

    def __init__(self) -> None:
        self.seen: dict[str, dict[str, float]] = {}

    def note(self, place: str, events: Sequence[str]) -> None:
        """It was there now."""
        now = time.perf_counter()
        for event in events:
            self.seen.setdefault(event, {}).setdefault(place, now)


class TimedBus:
    """A bus that notes when messages enter it and when they are acknowledged."""

    def __init__(self, bus: Bus, watch: Stopwatch) -> None:
        self._bus, self._watch = bus, watch

    def publish(self, messages: Sequence[Message]) -> Sequence[bool]:
        """Note and pass on."""
        events = [message.headers["ce_id"] for message in messages]
        self._watch.note("relayed", events)
        taken = self._bus.publish(messages)
        self._watch.note("acknowledged", events)
        return taken

    def subscribe(self, group: str, topics: Sequence[str]) -> Subscription:
        """Time what is read as well."""
        return TimedSubscription(self._bus.subscribe(group, topics), self._watch)

    def create_topics(self, topics: Sequence[str], compacted: Collection[str] = ()) -> None:
        """Pass on."""
        self._bus.create_topics(topics, compacted)

    def missing_topics(self, topics: Sequence[str]) -> Sequence[str]:
        """Pass on."""
        return self._bus.missing_topics(topics)

    def close(self) -> None:
        """Pass on."""
        self._bus.close()


class TimedSubscription:
    """A subscription that notes when messages are read, and when they are in the inbox."""

    def __init__(self, subscription: Subscription, watch: Stopwatch) -> None:
        self._subscription, self._watch = subscription, watch

    def poll(self, limit: int, wait_s: float) -> Sequence[Delivery]:
        """Note and pass on."""
        deliveries = self._subscription.poll(limit, wait_s)
        self._watch.note("received", [each.message.headers["ce_id"] for each in deliveries])
        return deliveries

    def commit(self, deliveries: Sequence[Delivery]) -> None:
        """The receiver commits what it has just stored."""
        self._watch.note("stored", [each.message.headers["ce_id"] for each in deliveries])
        self._subscription.commit(deliveries)

    def rewind(self) -> None:
        """Pass on."""
        self._subscription.rewind()

    def lag(self) -> Mapping[tuple[str, int], int]:
        """Pass on."""
        return self._subscription.lag()

    def close(self) -> None:
        """Pass on."""
        self._subscription.close()


def figures(here: Room, count: int) -> dict[str, float]:
    """Announce events at an even pace; say p50 and p99 of the whole and of its stages, in milliseconds."""
    watch = Stopwatch()
    bus = TimedBus(here.bus, watch)

    def handler(tx: Transaction, event: Any, context: Context) -> None:
        apply(tx, event, context)
        tx.on_commit(lambda: watch.note("effect", [context.event]))

    subscription = bus.subscribe(here.database.schema, [TOPIC])
    warm = 2 * RATE
    relay = Loop(
        Relay(here.database, bus, metrics=BusMetrics(CollectorRegistry())), here.database.wake(RELAY)
    )
    with looping([relay]), receiving(here, subscription, handler, workers=2):
        announced = [_announce(here, watch, number) for number in range(warm + count)]
        here.wait_for_effects(warm + count)
    passes = [watch.seen[event] for event in announced[warm:]]
    told: dict[str, float] = {}
    for name, (start, end) in {"latency": ("committed", "effect"), **_STAGES}.items():
        took = [(each[end] - each[start]) * 1000 for each in passes]
        told |= {f"{name}_p50_ms": percentile(took, 50), f"{name}_p99_ms": percentile(took, 99)}
    return told


def _announce(here: Room, watch: Stopwatch, number: int) -> str:
    time.sleep(1 / RATE)
    with here.database.transaction() as tx:
        event = emit(tx, f"c{number % 3}", here.event(number))
    watch.note("committed", [event])
    return event
