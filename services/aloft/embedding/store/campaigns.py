"""Campaigns and their promoted versions as rows. What is older than what is known is ignored."""

from dataclasses import asdict

import sqlalchemy as sa

from aloft.embedding.domain import Model
from aloft.embedding.store.tables import campaigns, insert, models
from aloft.imagery import ImageSpec
from aloft.kit.database import Transaction


def put(tx: Transaction, campaign: str, version: int, spec: ImageSpec) -> None:
    """Remember a campaign's configuration, unless a newer one is known."""
    fresh = insert(tx, campaigns).values(id=campaign, version=version, spec=asdict(spec))
    changed = {"version": fresh.excluded.version, "spec": fresh.excluded.spec}
    newer = fresh.excluded.version > campaigns.c.version
    tx.execute(fresh.on_conflict_do_update(index_elements=["id"], set_=changed, where=newer))


def spec(tx: Transaction, campaign: str, *, lock: bool = False) -> ImageSpec | None:
    """Read a campaign's image specification, None for an unknown campaign. A lock lasts to the end."""
    wanted = sa.select(campaigns.c.spec).where(campaigns.c.id == campaign)
    found = tx.execute(wanted.with_for_update() if lock else wanted).scalar_one_or_none()
    if found is None:
        return None
    return ImageSpec(**{**found, "mean": tuple(found["mean"]), "std": tuple(found["std"])})


def promote(tx: Transaction, campaign: str, model: Model) -> None:
    """Remember a promoted version; a repeat changes nothing."""
    row = {"campaign": campaign, **asdict(model)}
    tx.execute(insert(tx, models).values(row).on_conflict_do_nothing())


def newest(tx: Transaction, campaign: str) -> Model | None:
    """Read the newest promoted version."""
    columns = [column for column in models.c if column.name != "campaign"]
    wanted = sa.select(*columns).where(models.c.campaign == campaign)
    row = tx.execute(wanted.order_by(models.c.version.desc()).limit(1)).mappings().first()
    return None if row is None else Model(**row)
