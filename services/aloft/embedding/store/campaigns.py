"""Campaigns and their promoted versions as rows. What is older than what is known is ignored."""

from collections.abc import Sequence
from dataclasses import asdict, fields

import sqlalchemy as sa

from aloft.embedding.domain import Model, Promoted, Strategy
from aloft.embedding.store.tables import campaigns, insert, models
from aloft.imagery import ImageSpec
from aloft.kit.database import Transaction

_MODEL = tuple(models.c[each.name] for each in fields(Model))


def put(tx: Transaction, campaign: str, version: int, spec: ImageSpec, strategy: Strategy) -> None:
    """Remember a campaign's configuration, unless a newer one is known."""
    said = {"version": version, "spec": asdict(spec), "strategy": asdict(strategy)}
    fresh = insert(tx, campaigns).values(id=campaign, known_us=tx.now(), **said)
    changed = {name: fresh.excluded[name] for name in said}
    newer = fresh.excluded.version > campaigns.c.version
    tx.execute(fresh.on_conflict_do_update(index_elements=["id"], set_=changed, where=newer))


def spec(tx: Transaction, campaign: str, *, lock: bool = False) -> ImageSpec | None:
    """Read a campaign's image specification, None for an unknown campaign. A lock lasts to the end."""
    wanted = sa.select(campaigns.c.spec).where(campaigns.c.id == campaign)
    found = tx.execute(wanted.with_for_update() if lock else wanted).scalar_one_or_none()
    if found is None:
        return None
    return ImageSpec(**{**found, "mean": tuple(found["mean"]), "std": tuple(found["std"])})


def strategy(tx: Transaction, campaign: str) -> Strategy:
    """Read how a known campaign chooses its images."""
    wanted = sa.select(campaigns.c.strategy).where(campaigns.c.id == campaign)
    return Strategy(**tx.execute(wanted).scalar_one())


def known_us(tx: Transaction, campaign: str) -> int | None:
    """Say since when a campaign is known here, None if it is not."""
    wanted = sa.select(campaigns.c.known_us).where(campaigns.c.id == campaign)
    return tx.execute(wanted).scalar_one_or_none()


def promote(tx: Transaction, campaign: str, model: Model) -> None:
    """Remember a promoted version; a repeat changes nothing."""
    row = {"campaign": campaign, **asdict(model), "known_us": tx.now(), "unusable": "", "unusable_us": 0}
    tx.execute(insert(tx, models).values(row).on_conflict_do_nothing())


def newest(tx: Transaction, campaign: str) -> Model | None:
    """Read the newest promoted version."""
    found = promoted(tx, campaign)
    return None if found is None else found.model


def promoted(tx: Transaction, campaign: str) -> Promoted | None:
    """Read the newest promoted version, and what is known of its artefact."""
    columns = (*_MODEL, models.c.known_us, models.c.unusable, models.c.unusable_us)
    wanted = sa.select(*columns).where(models.c.campaign == campaign)
    row = tx.execute(wanted.order_by(models.c.version.desc()).limit(1)).mappings().first()
    if row is None:
        return None
    said = {column.name: row[column.name] for column in _MODEL}
    model = Model(**{**said, "labels": tuple(said["labels"])})
    return Promoted(model, row["known_us"], row["unusable"], row["unusable_us"])


def backbones(tx: Transaction, campaign: str) -> Sequence[tuple[int, str]]:
    """Read every promoted version with its backbone."""
    wanted = sa.select(models.c.version, models.c.backbone).where(models.c.campaign == campaign)
    return [(row.version, row.backbone) for row in tx.execute(wanted)]


def unusable(tx: Transaction, campaign: str, version: int, why: str) -> None:
    """Remember what is wrong with a version's artefact, and since when; nothing is where it is mended."""
    this = (models.c.campaign == campaign, models.c.version == version)
    begun = sa.case((models.c.unusable == "", tx.now()), else_=models.c.unusable_us)
    values = {"unusable": why, "unusable_us": begun if why else 0}
    tx.execute(sa.update(models).where(*this, models.c.unusable != why).values(**values))
