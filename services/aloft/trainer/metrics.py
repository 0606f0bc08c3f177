"""What an operator sees of serving: read when it is scraped, so that it holds for all processes."""

import logging
import weakref
from collections.abc import Iterable

import sqlalchemy as sa
from prometheus_client import REGISTRY
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from aloft.kit.database import Transactions
from aloft.trainer.store import servings

log = logging.getLogger(__name__)


class Unserved(Collector):
    """Reads what is to be served and what is, of every database that it watches."""

    def __init__(self) -> None:
        self._databases: weakref.WeakSet[Transactions] = weakref.WeakSet()

    def watch(self, database: Transactions) -> None:
        """Show what this database says too."""
        self._databases.add(database)

    def describe(self) -> Iterable[Metric]:
        """Name the metric without reading a database."""
        return (_family(),)

    def collect(self) -> Iterable[Metric]:
        """Say for each campaign whether its version is unserved; a database that is away says nothing."""
        family = _family()
        for database in list(self._databases):
            try:
                with database.read() as tx:
                    unserved = {each.campaign for each in servings.unserved(tx)}
                    every = [each.campaign for each in servings.all_desired(tx)]
            except sa.exc.SQLAlchemyError:
                log.exception("what is served by %s cannot be read", database.schema)
                continue
            for campaign in every:
                family.add_metric([campaign], float(campaign in unserved))
        return (family,)


def _family() -> GaugeMetricFamily:
    return GaugeMetricFamily(
        "aloft_unserved_versions",
        "Versions that are to be served and that no pod serves: 0 or 1 of each campaign.",
        labels=["campaign"],
    )


UNSERVED = Unserved()
REGISTRY.register(UNSERVED)
