"""Takes what the broker has for this service into the inbox, and only then says so to the broker."""

from collections.abc import Sequence

from aloft.kit.bus import inbox
from aloft.kit.bus.metrics import BusMetrics, metrics_in
from aloft.kit.bus.port import Delivery, Subscription
from aloft.kit.database.database import Transactions

BATCH = 500
"""How many messages one step takes at most."""


class Receiver:
    """One per process and group; the members of a group share its partitions."""

    name = "receiver"

    def __init__(
        self,
        database: Transactions,
        subscription: Subscription,
        *,
        wait_s: float = 0.0,
        metrics: BusMetrics | None = None,
        batch: int = BATCH,
    ) -> None:
        self._database = database
        self._subscription = subscription
        self._wait_s = wait_s
        self._metrics = metrics or metrics_in()
        self._batch = batch
        self._read: Sequence[Delivery] = ()

    def step(self) -> bool:
        """Take one batch. With `wait_s` it waits at the broker, so it always asks to be called again."""
        # What a failed step read is still to be stored: the subscription does not give it again.
        self._read = self._read or self._poll()
        if self._read:
            with self._database.transaction() as tx:
                unusable = inbox.store(tx, self._read)
            self._count(unusable)
            self._subscription.commit(self._read)
        took, self._read = bool(self._read), ()
        for (topic, partition), behind in self._subscription.lag().items():
            self._metrics.lag.labels(self._database.schema, topic, partition).set(behind)
        return took or self._wait_s > 0

    def _poll(self) -> Sequence[Delivery]:
        try:
            return self._subscription.poll(self._batch, self._wait_s)
        except Exception:
            # It may have moved on past messages that never got here.
            self._subscription.rewind()
            raise

    def _count(self, unusable: Sequence[str]) -> None:
        for topic in unusable:
            self._metrics.dead.labels(self._database.schema, topic).inc()
            self._metrics.handled.labels(self._database.schema, topic, "dead").inc()
