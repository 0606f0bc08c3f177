"""What versions scored on the images that are held out, as rows."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from aloft.kit.database import Transaction
from aloft.label_store.domain.stopping import Scored
from aloft.label_store.store.tables import scores


def note(tx: Transaction, campaign: str, scored: Scored) -> None:
    """Write a version's score, once."""
    insert = sqlite.insert if tx.on_sqlite else postgresql.insert
    row = {"version": scored.version, "score": scored.score, "promoted": scored.promoted}
    tx.execute(insert(scores).values(campaign=campaign, **row).on_conflict_do_nothing())


def every(tx: Transaction, campaign: str) -> Sequence[Scored]:
    """Read the scores of a campaign's versions, in their order."""
    wanted = sa.select(scores).where(scores.c.campaign == campaign).order_by(scores.c.version)
    return [Scored(row.version, row.score, row.promoted) for row in tx.execute(wanted)]


def newest(tx: Transaction, campaign: str) -> float | None:
    """Read the score of the newest version that was judged, None if there is none."""
    wanted = (
        sa.select(scores.c.score)
        .where(scores.c.campaign == campaign)
        .order_by(scores.c.version.desc())
        .limit(1)
    )
    return tx.execute(wanted).scalar_one_or_none()
