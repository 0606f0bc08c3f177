"""Batches as rows: what was selected and why, and how it closed."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import sqlalchemy as sa

from aloft.acquisition.store.tables import batches, picks
from aloft.kit.database import Transaction
from aloft.kit.database.columns import NOW
from aloft.strategies.strategy import Pick, Picks


@dataclass(frozen=True, slots=True)
class Selected:
    """Where a batch comes from and what became of it. Times are microseconds."""

    number: int
    version: int
    ranking: str
    strategy: str
    seed: int
    images: int
    changes: int
    shortfall: str = ""
    closed: bool = False
    reason: str = ""
    """Why it closed."""
    created_us: int = 0
    closed_us: int | None = None


_COLUMNS = tuple(batches.c[name] for name in Selected.__slots__)


def newest(tx: Transaction, campaign: str) -> Selected | None:
    """Read the newest batch of a campaign."""
    wanted = sa.select(*_COLUMNS).where(batches.c.campaign == campaign)
    row = tx.execute(wanted.order_by(batches.c.number.desc()).limit(1)).mappings().first()
    return None if row is None else Selected(**row)


def find(tx: Transaction, campaign: str, number: int) -> Selected | None:
    """Read a batch, None if it is not known."""
    mine = (batches.c.campaign == campaign, batches.c.number == number)
    row = tx.execute(sa.select(*_COLUMNS).where(*mine)).mappings().first()
    return None if row is None else Selected(**row)


def count(tx: Transaction, campaign: str) -> int:
    """Count a campaign's batches."""
    wanted = sa.select(sa.func.count()).select_from(batches).where(batches.c.campaign == campaign)
    return int(tx.execute(wanted).scalar_one())


def select(tx: Transaction, campaign: str, batch: Selected, chosen: Picks) -> None:
    """Write a batch that is now out, and why each of its images is in it."""
    tx.execute(sa.insert(batches).values(asdict(batch) | {"campaign": campaign, "created_us": NOW}))
    of = {"campaign": campaign, "batch": batch.number}
    rows = [{**of, "place": place, **asdict(pick)} for place, pick in enumerate(chosen.picks, 1)]
    tx.execute(sa.insert(picks), rows)


def picked(tx: Transaction, campaign: str, number: int, after: int, limit: int) -> Sequence[tuple[int, Pick]]:
    """Read the images of a batch with their places, in the order in which they were chosen."""
    wanted = (
        sa.select(picks.c.place, picks.c.image, picks.c.score, picks.c.cluster, picks.c.why)
        .where(picks.c.campaign == campaign, picks.c.batch == number, picks.c.place > after)
        .order_by(picks.c.place)
        .limit(limit)
    )
    rows = tx.execute(wanted)
    return [(row.place, Pick(row.image, row.score, row.cluster, row.why)) for row in rows]


@dataclass(frozen=True, slots=True)
class Picked:
    """An image in a batch: its place there, counted from 1, and what it was selected from."""

    batch: int
    place: int
    strategy: str
    version: int
    ranking: str
    pick: Pick


def picks_of(tx: Transaction, campaign: str, image: str) -> Sequence[Picked]:
    """Read every batch that an image was in, newest first."""
    wanted = (
        sa.select(picks, batches.c.strategy, batches.c.version, batches.c.ranking)
        .join(batches, sa.and_(batches.c.campaign == picks.c.campaign, batches.c.number == picks.c.batch))
        .where(picks.c.campaign == campaign, picks.c.image == image)
        .order_by(picks.c.batch.desc())
    )
    return [
        Picked(
            batch=row.batch,
            place=row.place,
            strategy=row.strategy,
            version=row.version,
            ranking=row.ranking,
            pick=Pick(row.image, row.score, row.cluster, row.why),
        )
        for row in tx.execute(wanted)
    ]


def close(tx: Transaction, campaign: str, number: int, reason: str, at_us: int) -> bool:
    """Close a batch; False if it was closed before. One that is not known here is written as closed."""
    mine = (batches.c.campaign == campaign, batches.c.number == number)
    known = tx.execute(sa.select(batches.c.closed).where(*mine)).first()
    end = {"closed": True, "reason": reason, "closed_us": at_us}
    if known is None:
        row = {"campaign": campaign, "number": number, "created_us": at_us}
        tx.execute(sa.insert(batches).values(row | end))
    elif not known.closed:
        tx.execute(sa.update(batches).where(*mine).values(end))
    return known is None or not known.closed
