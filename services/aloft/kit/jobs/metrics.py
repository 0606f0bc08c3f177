"""What an operator sees of jobs: where they stand, how long they take and wait, how many leases are lost."""

import logging
import weakref
from collections import Counter as Tally
from collections.abc import Iterable

import sqlalchemy as sa
from prometheus_client import REGISTRY, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from aloft.kit.clock import SECOND
from aloft.kit.database import Transactions
from aloft.kit.jobs.job import State
from aloft.kit.jobs.table import JOBS, NOW

log = logging.getLogger(__name__)

SECONDS = Histogram(
    "aloft_job_seconds",
    "Time from the claim of a job to the end of that attempt, by the database's clock.",
    ["kind", "outcome"],
    buckets=(0.05, 0.2, 1, 5, 20, 60, 300, 1200, 3600, 14400, 43200),
)
LEASES_LOST = Counter("aloft_job_leases_lost_total", "Leases that ran out before their job had ended.")


class _Backlog(Collector):
    """Reads the job tables when it is scraped, so that what it says holds for all workers."""

    def __init__(self) -> None:
        self._databases: weakref.WeakSet[Transactions] = weakref.WeakSet()

    def watch(self, database: Transactions) -> None:
        """Show the jobs of this database too."""
        self._databases.add(database)

    def describe(self) -> Iterable[Metric]:
        """Name the metrics without reading a database."""
        return _families()

    def collect(self) -> Iterable[Metric]:
        """Count every watched database; one that cannot be read is left out, and says so in the log."""
        standing: Tally[tuple[str, str]] = Tally()
        oldest: dict[str, float] = {}
        for database in list(self._databases):
            try:
                _count(database, standing, oldest)
            except sa.exc.SQLAlchemyError:
                log.exception("jobs of %s cannot be counted", database.schema)
        jobs, waiting = _families()
        for (kind, state), number in sorted(standing.items()):
            jobs.add_metric([kind, state], number)
        for kind, seconds in sorted(oldest.items()):
            waiting.add_metric([kind], seconds)
        return jobs, waiting


def _families() -> tuple[GaugeMetricFamily, GaugeMetricFamily]:
    return (
        GaugeMetricFamily("aloft_jobs", "Jobs by kind and state.", labels=["kind", "state"]),
        GaugeMetricFamily(
            "aloft_jobs_oldest_queued_seconds",
            "How long the oldest job that is due and queued has waited to begin.",
            labels=["kind"],
        ),
    )


def _count(database: Transactions, standing: Tally[tuple[str, str]], oldest: dict[str, float]) -> None:
    due = sa.and_(JOBS.c.state == State.QUEUED, JOBS.c.not_before_us <= NOW)
    by_state = sa.select(
        JOBS.c.kind,
        JOBS.c.state,
        sa.func.count().label("jobs"),
        sa.func.max(sa.case((due, NOW - JOBS.c.not_before_us), else_=0)).label("waited_us"),
    ).group_by(JOBS.c.kind, JOBS.c.state)
    with database.read() as tx:
        for row in tx.execute(by_state).mappings():
            standing[row["kind"], row["state"]] += row["jobs"]
            oldest[row["kind"]] = max(oldest.get(row["kind"], 0.0), row["waited_us"] / SECOND)


BACKLOG = _Backlog()
REGISTRY.register(BACKLOG)
