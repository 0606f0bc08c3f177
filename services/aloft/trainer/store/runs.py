"""Runs as rows. What a run does, its job's row says."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from aloft.kit.database import Transaction
from aloft.kit.database.columns import NOW
from aloft.trainer.domain.runs import Run
from aloft.trainer.store.campaigns import base_of, training_of
from aloft.trainer.store.tables import runs


def add(tx: Transaction, run: Run) -> Run:
    """Write a run that is queued."""
    row = {**asdict(run), "created_us": NOW}
    row |= {name: row[name] or {} for name in ("base", "training")}
    return _run(tx.execute(sa.insert(runs).values(**row).returning(*runs.c)).mappings().one())


def find(tx: Transaction, campaign: str, version: int) -> Run | None:
    """Read the run that makes a version."""
    row = tx.execute(sa.select(runs).where(*_this(campaign, version))).mappings().first()
    return None if row is None else _run(row)


def newest(
    tx: Transaction, campaign: str, *, before: int | None = None, kind: str = "", limit: int | None = 1
) -> Sequence[Run]:
    """Read runs, newest first: all, those before a number, or of one kind."""
    wanted = sa.select(runs).where(runs.c.campaign == campaign).order_by(runs.c.version.desc()).limit(limit)
    if before is not None:
        wanted = wanted.where(runs.c.version < before)
    if kind:
        wanted = wanted.where(runs.c.kind == kind)
    return [_run(row) for row in tx.execute(wanted).mappings()]


def count(tx: Transaction, campaign: str) -> int:
    """Count a campaign's runs."""
    wanted = sa.select(sa.func.count()).select_from(runs).where(runs.c.campaign == campaign)
    return int(tx.execute(wanted).scalar_one())


def update(tx: Transaction, campaign: str, version: int, **values: Any) -> None:
    """Write where a run's snapshot or its checkpoint lies: under its lease."""
    tx.execute(sa.update(runs).where(*_this(campaign, version)).values(**values))


def _this(campaign: str, version: int) -> tuple[sa.ColumnElement[bool], ...]:
    return runs.c.campaign == campaign, runs.c.version == version


def _run(row: sa.RowMapping) -> Run:
    base = base_of(row["base"]) if row["base"] else None
    training = training_of(row["training"]) if row["training"] else None
    return Run(**{**row, "base": base, "training": training})
