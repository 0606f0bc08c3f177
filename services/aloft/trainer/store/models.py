"""Model versions as rows: written once, never changed."""

from collections.abc import Sequence
from dataclasses import asdict

import sqlalchemy as sa

from aloft.kit.database import Transaction
from aloft.kit.database.columns import NOW
from aloft.trainer.domain.models import Model
from aloft.trainer.store.tables import models


def add(tx: Transaction, model: Model) -> None:
    """Write a version that was made."""
    tx.execute(sa.insert(models).values(**{**asdict(model), "created_us": NOW}))


def find(tx: Transaction, campaign: str, version: int) -> Model | None:
    """Read one version."""
    wanted = sa.select(models).where(models.c.campaign == campaign, models.c.version == version)
    row = tx.execute(wanted).mappings().first()
    return None if row is None else _model(row)


def newest(
    tx: Transaction,
    campaign: str,
    *,
    before: int | None = None,
    promoted: bool = False,
    base: bool | None = None,
    limit: int = 1,
) -> Sequence[Model]:
    """Read versions, newest first: all, those before a number, promoted ones, with a head or without."""
    wanted = sa.select(models).where(models.c.campaign == campaign)
    if before is not None:
        wanted = wanted.where(models.c.version < before)
    if promoted:
        wanted = wanted.where(models.c.promoted)
    if base is not None:
        wanted = wanted.where(models.c.base == base)
    newest_first = wanted.order_by(models.c.version.desc()).limit(limit)
    return [_model(row) for row in tx.execute(newest_first).mappings()]


def all_of(tx: Transaction, campaign: str) -> Sequence[Model]:
    """Read every version."""
    wanted = sa.select(models).where(models.c.campaign == campaign)
    return [_model(row) for row in tx.execute(wanted).mappings()]


def _model(row: sa.RowMapping) -> Model:
    return Model(**{**row, "labels": tuple(row["labels"])})
