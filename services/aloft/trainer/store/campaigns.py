"""Campaigns as rows, and the versions allocated to each."""

from dataclasses import asdict

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from aloft.imagery import ImageSpec
from aloft.kit.database import Transaction
from aloft.trainer.domain import Base, Campaign
from aloft.trainer.store.tables import campaigns


def put(tx: Transaction, campaign: Campaign) -> bool:
    """Remember a campaign's configuration; False if a newer, or the same, is known."""
    insert = (sqlite.insert if tx.on_sqlite else postgresql.insert)(campaigns)
    fresh = insert.values(asdict(campaign))
    changed = {name: fresh.excluded[name] for name in ("version", "running", "spec", "base")}
    newer = fresh.excluded.version > campaigns.c.version
    put = fresh.on_conflict_do_update(index_elements=["id"], set_=changed, where=newer)
    # Not the row count: of an insert, PostgreSQL's driver has none left to tell.
    return tx.execute(put.returning(campaigns.c.id)).first() is not None


def find(tx: Transaction, campaign: str, *, lock: bool = False) -> Campaign | None:
    """Read a campaign, None for an unknown one. A lock lasts to the end."""
    wanted = sa.select(campaigns).where(campaigns.c.id == campaign)
    row = tx.execute(wanted.with_for_update() if lock else wanted).mappings().first()
    if row is None:
        return None
    spec = {**row["spec"], "mean": tuple(row["spec"]["mean"]), "std": tuple(row["spec"]["std"])}
    return Campaign(**{**row, "spec": ImageSpec(**spec), "base": Base(**row["base"])})


def allocate(tx: Transaction, campaign: str) -> int:
    """Take the next version of a campaign."""
    taken = (
        sa.update(campaigns)
        .where(campaigns.c.id == campaign)
        .values(newest_version=campaigns.c.newest_version + 1)
        .returning(campaigns.c.newest_version)
    )
    return int(tx.execute(taken).scalar_one())
