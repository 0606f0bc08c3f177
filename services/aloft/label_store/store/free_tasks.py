"""Which tasks an annotator may lease."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from aloft.kit.database import Transaction
from aloft.kit.database.columns import NOW
from aloft.label_store.store.tables import tasks
from aloft.label_store.store.tasks import DONE, IS_OPEN, OPEN, SKIPPED, Task


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks for tasks: a vendor, and which of its annotators."""

    vendor: str
    annotator: str


def free(tx: Transaction, campaign: str, limit: int, overlap: int, asker: Asker) -> Sequence[Task]:
    """Lock and read tasks that may be leased now, passing over those that somebody else is changing.

    Each is of another image, and none of one that this annotator saw in the same batch. The vendor's row is
    locked.
    """
    wanted = (
        sa.select(tasks)
        .where(tasks.c.campaign == campaign, IS_OPEN, tasks.c.lease_until_us <= NOW, ~tasks.c.final)
        .order_by(tasks.c.batch, tasks.c.image, tasks.c.id)
        .limit(limit * overlap)
        .with_for_update(skip_locked=True, of=tasks)
    )
    if overlap > 1:
        wanted = wanted.where(~_seen_by(asker))
    found: dict[str, Task] = {}
    for row in tx.execute(wanted).mappings():
        found.setdefault(row["image"], Task(**row))
    return list(found.values())[:limit]


def _seen_by(asker: Asker) -> sa.ColumnElement[bool]:
    """Whether, in a task's batch, an annotator labels or labelled its image, or its vendor skipped it."""
    other = tasks.alias("other")
    labels_it = sa.and_(other.c.state == OPEN, other.c.lease_until_us > NOW)
    by_annotator = sa.and_(other.c.annotator == asker.annotator, sa.or_(other.c.state == DONE, labels_it))
    return (
        sa.exists()
        .where(
            other.c.campaign == tasks.c.campaign,
            other.c.image == tasks.c.image,
            other.c.batch == tasks.c.batch,
            other.c.vendor == asker.vendor,
            sa.or_(other.c.state == SKIPPED, by_annotator),
        )
        .correlate(tasks)
    )
