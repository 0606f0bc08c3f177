"""Runs as rows. What a run does, its job's row says."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from aloft.kit.database import Transaction
from aloft.kit.database.columns import NOW
from aloft.trainer.domain import Base, Run
from aloft.trainer.store.tables import runs


def add(tx: Transaction, campaign: str, version: int, job: str, base: Base) -> Run:
    """Write a run that is queued."""
    row = {"campaign": campaign, "version": version, "job": job, "base": asdict(base)}
    created = sa.insert(runs).values(**row, created_us=NOW).returning(*runs.c)
    return _run(tx.execute(created).mappings().one())


def find(tx: Transaction, campaign: str, version: int) -> Run | None:
    """Read the run that makes a version."""
    wanted = sa.select(runs).where(runs.c.campaign == campaign, runs.c.version == version)
    row = tx.execute(wanted).mappings().first()
    return None if row is None else _run(row)


def newest(tx: Transaction, campaign: str, *, before: int | None = None, limit: int = 1) -> Sequence[Run]:
    """Read runs, newest first, or those before a number."""
    wanted = sa.select(runs).where(runs.c.campaign == campaign).order_by(runs.c.version.desc()).limit(limit)
    if before is not None:
        wanted = wanted.where(runs.c.version < before)
    return [_run(row) for row in tx.execute(wanted).mappings()]


def count(tx: Transaction, campaign: str) -> int:
    """Count a campaign's runs."""
    wanted = sa.select(sa.func.count()).select_from(runs).where(runs.c.campaign == campaign)
    return int(tx.execute(wanted).scalar_one())


def _run(row: sa.RowMapping) -> Run:
    base: dict[str, Any] = row["base"]
    return Run(**{**row, "base": Base(**base)})
