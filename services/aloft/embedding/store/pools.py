"""The manifests that were announced, one a generation; the newest is in force."""

from collections.abc import Collection, Sequence
from dataclasses import asdict

import sqlalchemy as sa

from aloft.embedding.domain import Pool
from aloft.embedding.store.tables import pools
from aloft.kit.database import Transaction


def current(tx: Transaction, campaign: str) -> Pool | None:
    """Read the manifest that was last announced."""
    row = tx.execute(_of(campaign).limit(1)).mappings().first()
    return None if row is None else Pool(**row)


def announced(tx: Transaction, campaign: str) -> Sequence[Pool]:
    """Read every manifest whose row is kept, the newest first."""
    return [Pool(**row) for row in tx.execute(_of(campaign)).mappings()]


def add(tx: Transaction, campaign: str, pool: Pool) -> None:
    """Put a manifest into force."""
    row = {("object_key" if name == "key" else name): value for name, value in asdict(pool).items()}
    tx.execute(pools.insert().values(campaign=campaign, **row))


def forget(tx: Transaction, campaign: str, generations: Collection[int]) -> None:
    """Drop manifests that nobody reads any more."""
    gone = sa.delete(pools).where(pools.c.campaign == campaign, pools.c.generation.in_(generations))
    tx.execute(gone)


def _of(campaign: str) -> sa.Select[*tuple[object, ...]]:
    columns = [pools.c[name] for name in ("version", "generation", "digest", "images", "announced_us")]
    wanted = sa.select(*columns, pools.c.object_key.label("key")).where(pools.c.campaign == campaign)
    return wanted.order_by(pools.c.generation.desc())
