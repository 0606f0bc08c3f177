"""Annotations as rows: written once, never changed."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import sqlalchemy as sa

from aloft.kit.database import Transaction
from aloft.kit.database.columns import NOW
from aloft.label_store.domain.verdicts import Verdicts
from aloft.label_store.store.images import chunks
from aloft.label_store.store.tables import annotations


@dataclass(frozen=True, slots=True)
class Annotation:
    """What one annotator said of an image."""

    campaign: str
    task: str
    image: str
    vendor: str
    annotator: str
    lease: str
    verdicts: Verdicts
    taxonomy_version: int


def insert(tx: Transaction, rows: Sequence[Annotation]) -> None:
    """Write annotations. A second one for the same task is refused by the table itself."""
    tx.execute(sa.insert(annotations).values(submitted_us=NOW), [asdict(row) for row in rows])


def of_tasks(tx: Transaction, campaign: str, tasks: Sequence[str]) -> dict[str, list[Verdicts]]:
    """Read what was said under these tasks, by image."""
    said: defaultdict[str, list[Verdicts]] = defaultdict(list)
    for part in chunks(tasks):
        wanted = sa.select(annotations.c.image, annotations.c.verdicts).where(
            annotations.c.campaign == campaign, annotations.c.task.in_(part)
        )
        for row in tx.execute(wanted):
            said[row.image].append(row.verdicts)
    return said


def count(tx: Transaction, campaign: str, vendor: str) -> int:
    """Count what a vendor has submitted to a campaign."""
    wanted = sa.select(sa.func.count()).where(
        annotations.c.campaign == campaign, annotations.c.vendor == vendor
    )
    return int(tx.execute(wanted).scalar_one())


def count_annotators(tx: Transaction, campaign: str) -> int:
    """Count those who have labelled in a campaign: annotators by the names that their vendors give them."""
    who = sa.select(annotations.c.vendor, annotations.c.annotator).where(annotations.c.campaign == campaign)
    return int(tx.execute(sa.select(sa.func.count()).select_from(who.distinct().subquery())).scalar_one())
