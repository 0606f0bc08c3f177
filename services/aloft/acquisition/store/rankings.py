"""Rankings as rows; their scores lie in the object store."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import sqlalchemy as sa

from aloft.acquisition.store.tables import rankings
from aloft.kit.database import Transaction


@dataclass(frozen=True, slots=True)
class Ranking:
    """The score of every unlabelled image under one version and one strategy. Numbers grow with time."""

    campaign: str
    number: int
    id: str
    version: int
    generation: int
    strategy: str
    seed: int
    images: int
    left_out: int
    key: str
    digest: str
    manifest_key: str
    manifest_digest: str
    label_revision: int
    created_us: int = 0


def newest(tx: Transaction, campaign: str) -> Ranking | None:
    """Read the newest ranking of a campaign."""
    found = page(tx, campaign, None, 1)
    return found[0] if found else None


def get(tx: Transaction, campaign: str, number: int) -> Ranking:
    """Read a ranking that is known to be there."""
    mine = (rankings.c.campaign == campaign, rankings.c.number == number)
    return Ranking(**tx.execute(sa.select(rankings).where(*mine)).mappings().one())


def find(tx: Transaction, campaign: str, ranking: str) -> Ranking | None:
    """Read a ranking by its id, None if there is none; the newest where the same one was made again."""
    mine = (rankings.c.campaign == campaign, rankings.c.id == ranking)
    wanted = sa.select(rankings).where(*mine).order_by(rankings.c.number.desc()).limit(1)
    row = tx.execute(wanted).mappings().first()
    return None if row is None else Ranking(**row)


def page(tx: Transaction, campaign: str, before: int | None, limit: int) -> Sequence[Ranking]:
    """Read rankings, newest first, those with a lower number than `before`."""
    wanted = sa.select(rankings).where(rankings.c.campaign == campaign)
    if before is not None:
        wanted = wanted.where(rankings.c.number < before)
    rows = tx.execute(wanted.order_by(rankings.c.number.desc()).limit(limit)).mappings()
    return [Ranking(**row) for row in rows]


def insert(tx: Transaction, ranking: Ranking) -> None:
    """Write a ranking."""
    tx.execute(sa.insert(rankings).values(asdict(ranking)))
