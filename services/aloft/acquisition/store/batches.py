"""Batches as rows: what was selected, and how it closed."""

import sqlalchemy as sa

from aloft.acquisition.domain.due import Batch
from aloft.acquisition.store.tables import batches
from aloft.kit.database import Transaction
from aloft.kit.database.columns import NOW


def newest(tx: Transaction, campaign: str) -> Batch | None:
    """Read the newest batch of a campaign."""
    wanted = sa.select(batches).where(batches.c.campaign == campaign)
    row = tx.execute(wanted.order_by(batches.c.number.desc()).limit(1)).first()
    return row and Batch(row.number, row.version, row.closed, row.reason, row.changes)


def count(tx: Transaction, campaign: str) -> int:
    """Count a campaign's batches."""
    wanted = sa.select(sa.func.count()).select_from(batches).where(batches.c.campaign == campaign)
    return int(tx.execute(wanted).scalar_one())


def select(
    tx: Transaction,
    campaign: str,
    number: int,
    *,
    version: int,
    ranking: str,
    seed: int,
    images: int,
    shortfall: str,
    changes: int,
) -> None:
    """Write a batch that is now out."""
    tx.execute(
        sa.insert(batches).values(
            campaign=campaign,
            number=number,
            version=version,
            ranking=ranking,
            seed=seed,
            images=images,
            shortfall=shortfall,
            changes=changes,
            created_us=NOW,
        )
    )


def close(tx: Transaction, campaign: str, number: int, reason: str) -> bool:
    """Close a batch; False if it was closed before. One that is not known here is written as closed."""
    mine = (batches.c.campaign == campaign, batches.c.number == number)
    known = tx.execute(sa.select(batches.c.closed).where(*mine)).first()
    if known is None:
        row = {"campaign": campaign, "number": number, "closed": True, "reason": reason, "created_us": NOW}
        tx.execute(sa.insert(batches).values(row))
    elif not known.closed:
        tx.execute(sa.update(batches).where(*mine).values(closed=True, reason=reason))
    return known is None or not known.closed
