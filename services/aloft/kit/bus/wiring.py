"""What a composition root adds to a service so that it gives and takes events."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aloft.kit.bus import inbox, outbox
from aloft.kit.bus.context import Handlers
from aloft.kit.bus.metrics import BusMetrics, metrics_in
from aloft.kit.bus.port import Bus
from aloft.kit.bus.receiver import Receiver
from aloft.kit.bus.relay import Relay
from aloft.kit.bus.sweep import Sweep
from aloft.kit.bus.topics import COMPACTED, every_name, topic_of
from aloft.kit.bus.worker import InboxWorker
from aloft.kit.database.database import Transactions
from aloft.kit.service import Background


@dataclass(frozen=True, slots=True)
class EventLoops:
    """The loops, and what gives back what they hold."""

    backgrounds: Sequence[Background]
    close: Callable[[], None]


def event_loops(
    database: Transactions,
    bus: Bus,
    handlers: Handlers,
    *,
    wait_s: float = 0.5,
    workers: int = 2,
    metrics: BusMetrics | None = None,
) -> EventLoops:
    """Wire outbox, inbox and handlers of one service; its group is called like its schema.

    `wait_s` is how long the receiver waits at the broker: 0 where a test steps it by hand.
    """
    metrics = metrics or metrics_in()
    metrics.watch(database)
    loops = [
        Background(Relay(database, bus, metrics=metrics), database.wake(outbox.RELAY)),
        Background(Sweep(database, rest_s=60.0)),
    ]
    if not handlers:
        return EventLoops(loops, lambda: metrics.forget(database))
    subscription = bus.subscribe(database.schema, [topic_of(payload).name for payload in handlers])
    loops += [
        Background(Receiver(database, subscription, wait_s=wait_s, metrics=metrics)),
        Background(InboxWorker(database, handlers, metrics=metrics), database.wake(inbox.WORKER), workers),
    ]

    def close() -> None:
        subscription.close()
        metrics.forget(database)

    return EventLoops(loops, close)


class TopicsMissing(Exception):
    """A platform team creates the topics itself, and has not created all of them."""


def ensure_topics(bus: Bus, *, create: bool) -> None:
    """Create every topic, or check that a platform team did, and name those that are missing."""
    names = every_name()
    if create:
        bus.create_topics(names, COMPACTED)
    elif missing := bus.missing_topics(names):
        raise TopicsMissing(
            f"topics are missing: {', '.join(missing)}."
            " Create them, or let Aloft do it with bus.create_topics"
        )
