"""Annotations as rows: written once, never changed."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import sqlalchemy as sa

from aloft.kit.database import Transaction
from aloft.kit.database.columns import NOW
from aloft.label_store.domain.verdicts import Verdicts
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
    label_revision: int


def insert(tx: Transaction, rows: Sequence[Annotation]) -> None:
    """Write annotations. A second one for the same task is refused by the table itself."""
    tx.execute(sa.insert(annotations).values(submitted_us=NOW), [asdict(row) for row in rows])


def count(tx: Transaction, campaign: str, vendor: str) -> int:
    """Count what a vendor has submitted to a campaign."""
    wanted = sa.select(sa.func.count()).where(
        annotations.c.campaign == campaign, annotations.c.vendor == vendor
    )
    return int(tx.execute(wanted).scalar_one())
