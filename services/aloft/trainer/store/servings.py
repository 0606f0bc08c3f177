"""What is to be served, and what pods said that they serve."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from aloft.kit.clock import SECOND
from aloft.kit.database import Transaction
from aloft.kit.database.columns import NOW
from aloft.trainer.domain.models import Desired, Model, Report
from aloft.trainer.store.tables import desired_servings, insert, servings

SILENT_S = 300
"""How long after its last report a pod counts as gone."""


def desire(tx: Transaction, model: Model) -> Desired:
    """Have this version served; each change is a new generation."""
    fresh = insert(tx, desired_servings).values(
        campaign=model.campaign,
        version=model.version,
        generation=1,
        archive_key=model.archive_key,
        archive_digest=model.archive_digest,
        changed_us=NOW,
    )
    names = ("version", "archive_key", "archive_digest", "changed_us")
    changed: dict[str, Any] = {name: fresh.excluded[name] for name in names}
    changed["generation"] = desired_servings.c.generation + 1
    written = fresh.on_conflict_do_update(index_elements=["campaign"], set_=changed)
    return Desired(**tx.execute(written.returning(*desired_servings.c)).mappings().one())


def desired(tx: Transaction, campaign: str) -> Desired | None:
    """Read what is to be served of a campaign; None before its first version."""
    wanted = sa.select(desired_servings).where(desired_servings.c.campaign == campaign)
    row = tx.execute(wanted).mappings().first()
    return None if row is None else Desired(**row)


def all_desired(tx: Transaction, *, after: str = "", limit: int | None = None) -> Sequence[Desired]:
    """Read what is to be served, in the order of campaigns."""
    wanted = sa.select(desired_servings).where(desired_servings.c.campaign > after)
    rows = tx.execute(wanted.order_by(desired_servings.c.campaign).limit(limit)).mappings()
    return [Desired(**row) for row in rows]


def report(tx: Transaction, said: Report) -> None:
    """Remember what a pod serves, in place of what it said before."""
    fresh = insert(tx, servings).values(**{**asdict(said), "reported_us": NOW})
    changed = {name: fresh.excluded[name] for name in asdict(said) if name not in ("campaign", "pod")}
    tx.execute(fresh.on_conflict_do_update(index_elements=["campaign", "pod"], set_=changed))


def reports(tx: Transaction, campaign: str, *, after: str = "", limit: int | None = None) -> Sequence[Report]:
    """Read what pods serve of a campaign, in the order of pods."""
    mine = (servings.c.campaign == campaign, servings.c.pod > after)
    rows = tx.execute(sa.select(servings).where(*mine).order_by(servings.c.pod).limit(limit)).mappings()
    return [Report(**row) for row in rows]


def unserved(tx: Transaction, campaign: str | None = None) -> Sequence[Desired]:
    """Read what is to be served and no pod serves. Where no pod ever reported, nobody is to serve."""
    if tx.execute(sa.select(servings.c.pod).limit(1)).first() is None:
        return []
    alive = servings.c.reported_us > NOW - SILENT_S * SECOND
    served = (
        sa.select(servings.c.pod)
        .where(servings.c.campaign == desired_servings.c.campaign, servings.c.state == "served", alive)
        .where(servings.c.version == desired_servings.c.version)
        .exists()
    )
    wanted = sa.select(desired_servings).where(~served).order_by(desired_servings.c.campaign)
    if campaign is not None:
        wanted = wanted.where(desired_servings.c.campaign == campaign)
    return [Desired(**row) for row in tx.execute(wanted).mappings()]
