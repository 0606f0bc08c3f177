"""Whether a system has come to rest: who reads what, and what has not yet been said, taken in or done."""

from collections.abc import Mapping

from sqlalchemy import text

from aloft.kit.bus import topics
from aloft.kit.database.database import Transactions

READERS: Mapping[str, tuple[str, ...]] = {
    topics.CAMPAIGN_CHANGED.name: ("embedding", "acquisition", "trainer"),
    topics.IMAGE_REGISTERED.name: ("embedding", "acquisition", "trainer"),
    topics.IMAGE_QUARANTINED.name: ("label_store", "acquisition", "trainer"),
    topics.LABELS_COMMITTED.name: ("acquisition", "trainer"),
    topics.BATCH_CLOSED.name: ("acquisition", "trainer"),
    topics.IMAGE_RELEASED.name: ("acquisition",),
    topics.MODEL_PUBLISHED.name: ("embedding", "acquisition", "label_store"),
    topics.POOL_EMBEDDED.name: ("acquisition",),
    topics.BATCH_SELECTED.name: ("label_store",),
}
"""The services that take each topic in."""


def under_way(databases: Mapping[str, Transactions]) -> list[str]:
    """Say what is not finished; what one look misses because it moved meanwhile, the next one sees."""
    found = []
    said: list[tuple[str, str]] = []
    for name, database in databases.items():
        with database.read() as tx:
            for row in tx.execute(text("SELECT topic, event, published_us FROM outbox")):
                said.append((row.topic, row.event))
                if row.published_us is None:
                    found.append(f"{name} has not published {row.topic}")
            for row in tx.execute(text("SELECT kind, state FROM jobs WHERE state IN ('queued', 'running')")):
                found.append(f"{name} has a {row.state} job {row.kind}")
    for name, database in databases.items():
        with database.read() as tx:
            states = {row.event: row.state for row in tx.execute(text("SELECT event, state FROM inbox"))}
        wanted = [(topic, event) for topic, event in said if name in READERS.get(topic, ())]
        found += [f"{name} has not taken in {topic}" for topic, event in wanted if event not in states]
        found += [f"{name} has an event waiting" for state in states.values() if state == "pending"]
    return found
