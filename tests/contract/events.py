"""One service that gives events to itself: everything between `emit` and the effect, stepped by hand."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry
from sqlalchemy import text

from aloft.api.events.v1 import events_pb2 as events
from aloft.kit.bus import Context, Handlers, Subscription, emit, ensure_topics
from aloft.kit.bus.embedded import EmbeddedBus
from aloft.kit.bus.metrics import BusMetrics
from aloft.kit.bus.receiver import Receiver
from aloft.kit.bus.relay import Relay
from aloft.kit.bus.topics import CAMPAIGN_CHANGED, LABELS_COMMITTED
from aloft.kit.bus.worker import InboxWorker
from aloft.kit.database import Database, Transaction, migrate

Refusal = Callable[[str, int, Context], None]


class Crash(BaseException):
    """The process ends here, as far as the code that is tested can tell."""


def fails_on(number: int, error: BaseException, key: str = "c1") -> Refusal:
    """Let one event of a key fail."""

    def refuse(at: str, seen: int, context: Context) -> None:
        if (at, seen) == (key, number):
            raise error

    return refuse


def exhaust(step: Callable[[], bool]) -> None:
    """Step until there is nothing to do."""
    for _ in range(2_000):
        if not step():
            return
    raise AssertionError("there is always something to do: a step repeats itself without getting anywhere")


@dataclass
class Loopback:
    """A database, a bus, and the steps between them. `refuse` decides which events fail, and how."""

    database: Database
    bus: EmbeddedBus
    refuse: Refusal = lambda key, number, context: None
    seen: list[Context] = field(default_factory=list)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def __post_init__(self) -> None:
        """Wire it."""
        self.metrics = BusMetrics(self.registry)
        self.metrics.watch(self.database)
        self.relay = Relay(self.database, self.bus, metrics=self.metrics)
        self.handlers: Handlers = {
            events.LabelsCommitted: self.on_labels,
            events.CampaignChanged: lambda tx, event, context: None,
        }
        self.rejoin()

    def rejoin(self) -> None:
        """Start receiver and worker anew, as after a crash: what they had in memory is gone."""
        topics = [LABELS_COMMITTED.name, CAMPAIGN_CHANGED.name]
        self.subscription: Subscription = self.bus.subscribe("loopback", topics)
        self.receiver = Receiver(self.database, self.subscription, metrics=self.metrics)
        self.worker = InboxWorker(self.database, self.handlers, metrics=self.metrics)

    def on_labels(self, tx: Transaction, event: Any, context: Context) -> None:
        """Write the effect first, so that a refusal has something to undo."""
        tx.execute(
            text("INSERT INTO effects (key, number) VALUES (:k, :n)"),
            {"k": context.campaign, "n": event.label_revision},
        )
        self.seen.append(context)
        self.refuse(context.campaign, event.label_revision, context)

    def announce(self, key: str, *numbers: int) -> None:
        """Emit events, each in a transaction of its own."""
        for number in numbers:
            with self.database.transaction() as tx:
                emit(tx, key, events.LabelsCommitted(campaign=key, label_revision=number))

    def announce_campaign(self, key: str) -> None:
        """Say that a campaign changed."""
        with self.database.transaction() as tx:
            emit(tx, key, events.CampaignChanged())

    def deliver(self) -> None:
        """Bring everything into the inbox."""
        exhaust(lambda: self.relay.step() or self.receiver.step())

    def settle(self) -> None:
        """Step everything until nothing is due."""
        self.deliver()
        exhaust(lambda: self.worker.step() or self.relay.step() or self.receiver.step())

    def effects(self, key: str) -> list[int]:
        """Read what took effect for a key, in the order in which it did."""
        query = text("SELECT number FROM effects WHERE key = :k ORDER BY id")
        with self.database.read() as tx:
            return [int(number) for number in tx.execute(query, {"k": key}).scalars()]

    def rows(self, query: str) -> Sequence[Any]:
        """Ask the database."""
        with self.database.read() as tx:
            return tx.execute(text(query)).all()

    def metric(self, name: str, **labels: str) -> float:
        """Read a metric of this service; 0 if it was never set."""
        return self.registry.get_sample_value(name, {"service": self.database.schema, **labels}) or 0.0


@contextmanager
def loopback(database: Database, folder: Path | str) -> Iterator[Loopback]:
    """Migrate the database, make room for effects, open a bus beside it."""
    migrate(database)
    serial = "INTEGER PRIMARY KEY" if database.on_sqlite else "BIGSERIAL PRIMARY KEY"
    with database.transaction() as tx:
        tx.execute(text(f"CREATE TABLE effects (id {serial}, key TEXT NOT NULL, number BIGINT NOT NULL)"))
    bus = EmbeddedBus(folder if folder == ":memory:" else Path(folder) / "bus.db")
    ensure_topics(bus, create=True)
    try:
        yield Loopback(database, bus)
    finally:
        bus.close()
