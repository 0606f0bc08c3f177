"""What a campaign's strategy could not work on last, and why: one row a campaign."""

from dataclasses import asdict

import sqlalchemy as sa

from aloft.acquisition.domain.situation import Refused
from aloft.acquisition.store.tables import refusals
from aloft.kit.database import Transaction


def find(tx: Transaction, campaign: str) -> Refused | None:
    """Read it, None where nothing was refused yet."""
    columns = (refusals.c.version, refusals.c.generation, refusals.c.strategy, refusals.c.why)
    row = tx.execute(sa.select(*columns).where(refusals.c.campaign == campaign)).mappings().first()
    return None if row is None else Refused(**row)


def write(tx: Transaction, campaign: str, refused: Refused) -> None:
    """Put it in the place of the one before."""
    forget(tx, campaign)
    tx.execute(sa.insert(refusals).values(asdict(refused) | {"campaign": campaign}))


def forget(tx: Transaction, campaign: str) -> None:
    """Let the strategy be tried again."""
    tx.execute(sa.delete(refusals).where(refusals.c.campaign == campaign))
