"""What an operator sees of the bus. Backlogs are counted when they are scraped, so they are never stale."""

import logging
from collections.abc import Iterator
from weakref import WeakKeyDictionary

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import CompoundSelect, Select, func, literal, select
from sqlalchemy.exc import SQLAlchemyError

from aloft.kit.bus import tables
from aloft.kit.clock import SECOND
from aloft.kit.database.database import Transactions

log = logging.getLogger(__name__)


class BusMetrics:
    """The metrics of outbox, inbox and bus in one registry, told apart by service."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self.published = Counter(
            "aloft_outbox_published_total",
            "Events the broker acknowledged.",
            ["service", "topic"],
            registry=registry,
        )
        self.handled = Counter(
            "aloft_inbox_handled_total",
            "Attempts at events, by outcome: done, ignored, failed, waiting or dead.",
            ["service", "topic", "outcome"],
            registry=registry,
        )
        self.dead = Counter(
            "aloft_dead_letters_total",
            "Events that could not be handled and went to the dead letters.",
            ["service", "topic"],
            registry=registry,
        )
        self.seconds = Histogram(
            "aloft_handler_seconds",
            "How long a handler took for one event.",
            ["service", "topic"],
            registry=registry,
        )
        self.lag = Gauge(
            "aloft_bus_lag",
            "Messages of a partition that this service has not yet taken into its inbox.",
            ["service", "topic", "partition"],
            registry=registry,
        )
        self._backlog = _Backlog()
        registry.register(self._backlog)

    def watch(self, database: Transactions) -> None:
        """Report the backlog of this service from now on."""
        self._backlog.databases[database.schema] = database

    def forget(self, database: Transactions) -> None:
        """Report it no longer: the service is closing."""
        self._backlog.databases.pop(database.schema, None)


_KNOWN: WeakKeyDictionary[CollectorRegistry, BusMetrics] = WeakKeyDictionary()


def metrics_in(registry: CollectorRegistry = REGISTRY) -> BusMetrics:
    """Say the metrics of a registry; several services in one process share them."""
    if registry not in _KNOWN:
        _KNOWN[registry] = BusMetrics(registry)
    return _KNOWN[registry]


class _Backlog(Collector):
    """Reads what waits in the databases of this process."""

    def __init__(self) -> None:
        self.databases: dict[str, Transactions] = {}

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Name the metrics without asking a database: registering must not depend on one."""
        yield from self._families().values()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Ask every database. One that is away reports nothing; its absence is the alarm."""
        families = self._families()
        for service, database in list(self.databases.items()):
            try:
                with database.read() as tx:
                    for row in tx.execute(_BACKLOG):
                        scale = SECOND if row.name.endswith("_seconds") else 1
                        families[row.name].add_metric([service], row.value / scale)
            except SQLAlchemyError:
                log.warning("the backlog of %s cannot be read now", service, exc_info=True)
        yield from families.values()

    @staticmethod
    def _families() -> dict[str, GaugeMetricFamily]:
        told = {
            "aloft_outbox_pending": "Events that the broker has not acknowledged.",
            "aloft_outbox_oldest_seconds": "Age of the oldest event that the broker has not acknowledged.",
            "aloft_inbox_pending": "Events received and not yet handled.",
            "aloft_inbox_oldest_seconds": "Age of the oldest event received and not yet handled.",
            "aloft_inbox_parked_lanes": "Lanes (a key on a topic) whose next event failed and waits.",
        }
        return {name: GaugeMetricFamily(name, text, labels=["service"]) for name, text in told.items()}


def _backlog() -> "CompoundSelect[str, int]":
    waiting, received, lanes = tables.outbox.c, tables.inbox.c, tables.lanes.c
    sent, taken = select(func.min(waiting.created_us)), select(func.min(received.received_us))

    def one(name: str, query: "Select[int]") -> "Select[str, int]":
        return select(literal(name).label("name"), query.scalar_subquery().label("value"))

    def age(query: "Select[int]") -> "Select[int]":
        return select(func.coalesce(tables.now() - query.scalar_subquery(), 0))

    unpublished = waiting.published_us.is_(None)
    return one("aloft_outbox_pending", select(func.count()).where(unpublished)).union_all(
        one("aloft_outbox_oldest_seconds", age(sent.where(unpublished))),
        one("aloft_inbox_pending", select(func.count()).where(tables.IS_PENDING)),
        one("aloft_inbox_oldest_seconds", age(taken.where(tables.IS_PENDING))),
        one("aloft_inbox_parked_lanes", select(func.count()).where(lanes.attempts > 0)),
    )


_BACKLOG = _backlog()
