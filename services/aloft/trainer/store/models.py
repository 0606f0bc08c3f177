"""Model versions as rows: written once, never changed."""

from collections.abc import Sequence
from dataclasses import asdict

import sqlalchemy as sa

from aloft.kit.database import Transaction
from aloft.kit.database.columns import NOW
from aloft.trainer.domain import Model
from aloft.trainer.store.tables import models


def add(tx: Transaction, model: Model) -> None:
    """Write a version that was made."""
    tx.execute(sa.insert(models).values(**{**asdict(model), "created_us": NOW}))


def find(tx: Transaction, campaign: str, version: int) -> Model | None:
    """Read one version."""
    wanted = sa.select(models).where(models.c.campaign == campaign, models.c.version == version)
    row = tx.execute(wanted).mappings().first()
    return None if row is None else Model(**row)


def newest(
    tx: Transaction, campaign: str, *, before: int | None = None, promoted: bool = False, limit: int = 1
) -> Sequence[Model]:
    """Read versions, newest first, or those before a number."""
    wanted = sa.select(models).where(models.c.campaign == campaign)
    if before is not None:
        wanted = wanted.where(models.c.version < before)
    if promoted:
        wanted = wanted.where(models.c.promoted)
    newest_first = wanted.order_by(models.c.version.desc()).limit(limit)
    return [Model(**row) for row in tx.execute(newest_first).mappings()]
