"""Campaigns as rows, the versions allocated to each, and how far their label revisions are applied."""

from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from aloft.imagery import ImageSpec
from aloft.kit.bus.context import NotYet
from aloft.kit.database import Transaction
from aloft.kit.errors import NotFound
from aloft.trainer.domain.campaign import Base, Campaign, Gate, Mode, Pretraining, State, Training
from aloft.trainer.store.tables import campaigns, early_revisions, insert

_SAID = ("version", "state", "spec", "base", "training", "gate", "labels", "strategy", "evaluation_images")


def put(tx: Transaction, campaign: Campaign) -> None:
    """Remember a campaign's configuration, unless a newer one, or the same, is known."""
    fresh = insert(tx, campaigns).values(asdict(campaign))
    changed = {name: fresh.excluded[name] for name in _SAID}
    newer = fresh.excluded.version > campaigns.c.version
    tx.execute(fresh.on_conflict_do_update(index_elements=["id"], set_=changed, where=newer))


def find(tx: Transaction, campaign: str, *, lock: bool = False) -> Campaign | None:
    """Read a campaign, None for an unknown one. A lock lasts to the end."""
    wanted = sa.select(campaigns).where(campaigns.c.id == campaign)
    row = tx.execute(wanted.with_for_update() if lock else wanted).mappings().first()
    return None if row is None else _campaign(row)


def get(tx: Transaction, campaign: str, *, lock: bool = False) -> Campaign:
    """Read a campaign, or raise `NotFound`."""
    found = find(tx, campaign, lock=lock)
    if found is None:
        message = f"campaigns/{campaign} is not known to the trainer"
        raise NotFound("CAMPAIGN_NOT_FOUND", message, campaign=campaign)
    return found


def locked(tx: Transaction, campaign: str) -> Campaign:
    """Lock and read a campaign, or raise `NotYet`: the first thing that every event's effect does."""
    found = find(tx, campaign, lock=True)
    if found is None:
        raise NotYet(f"campaigns/{campaign} is not known here yet")
    return found


def update(tx: Transaction, campaign: str, **values: Any) -> None:
    """Change columns of a campaign whose row is locked."""
    tx.execute(sa.update(campaigns).where(campaigns.c.id == campaign).values(**values))


def allocate(tx: Transaction, campaign: str) -> int:
    """Take the next version of a campaign."""
    taken = (
        sa.update(campaigns)
        .where(campaigns.c.id == campaign)
        .values(newest_version=campaigns.c.newest_version + 1)
        .returning(campaigns.c.newest_version)
    )
    return int(tx.execute(taken).scalar_one())


def apply_revision(tx: Transaction, campaign: Campaign, revision: int) -> None:
    """Count a label revision as applied. One that comes early waits for its turn."""
    if revision <= campaign.applied_revision:
        return
    early = sa.select(early_revisions.c.revision).where(early_revisions.c.campaign == campaign.id)
    waiting = set(tx.execute(early).scalars())
    arrived, applied = waiting | {revision}, campaign.applied_revision
    while applied + 1 in arrived:
        applied += 1
    if applied > campaign.applied_revision:
        update(tx, campaign.id, applied_revision=applied)
        passed = (early_revisions.c.campaign == campaign.id, early_revisions.c.revision <= applied)
        tx.execute(sa.delete(early_revisions).where(*passed))
    elif revision not in waiting:
        tx.execute(sa.insert(early_revisions).values(campaign=campaign.id, revision=revision))


def base_of(document: dict[str, Any]) -> Base:
    """Read where a base version comes from."""
    source = document["pretraining"]
    return Base(**{**document, "pretraining": Pretraining(**source) if source else None})


def training_of(document: dict[str, Any]) -> Training:
    """Read how a version is trained."""
    return Training(**{**document, "mode": Mode(document["mode"])})


def _campaign(row: sa.RowMapping) -> Campaign:
    spec = row["spec"]
    read = {
        "state": State(row["state"]),
        "spec": ImageSpec(**{**spec, "mean": tuple(spec["mean"]), "std": tuple(spec["std"])}),
        "base": base_of(row["base"]),
        "training": training_of(row["training"]),
        "gate": Gate(**row["gate"]),
        "labels": tuple(row["labels"]),
    }
    return Campaign(**{**row, **read})
