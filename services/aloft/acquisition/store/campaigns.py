"""Campaigns as rows: what the label store says of them, and how far their label revisions are applied."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from aloft.acquisition.domain.situation import CampaignState
from aloft.acquisition.store.tables import campaigns, early_revisions
from aloft.kit.bus.context import NotYet
from aloft.kit.database import Transaction


@dataclass(frozen=True, slots=True)
class Campaign:
    """One campaign at one moment."""

    id: str
    version: int
    state: CampaignState
    state_reason: str
    state_us: int
    """Since when it has been in this state."""
    strategy: str
    seed: int
    batch_size: int
    terms: str
    applied_revision: int = 0
    named_revision: int = 0
    training_revision: int = 0
    """The highest revision that a closed batch named for a version to be trained on."""
    training_batch: int = 0
    """The batch that named it."""
    changes: int = 0
    exhausted_at: int | None = None


def find(tx: Transaction, campaign: str, *, lock: bool = False) -> Campaign | None:
    """Read a campaign, None if it is not known; with `lock`, nobody else changes it until the end."""
    wanted = sa.select(campaigns).where(campaigns.c.id == campaign)
    row = tx.execute(wanted.with_for_update() if lock else wanted).mappings().first()
    return None if row is None else Campaign(**{**row, "state": CampaignState(row["state"])})


def locked(tx: Transaction, campaign: str) -> Campaign:
    """Lock and read a campaign, or raise `NotYet`: the first thing that every event's effect does."""
    found = find(tx, campaign, lock=True)
    if found is None:
        raise NotYet(f"campaign {campaign!r} is not known here yet")
    return found


def write(tx: Transaction, campaign: str, **said: Any) -> None:
    """Write what the label store says of a campaign that is new here."""
    tx.execute(sa.insert(campaigns).values(id=campaign, **said))


def update(tx: Transaction, campaign: str, **values: Any) -> None:
    """Change columns of a campaign whose row is locked."""
    tx.execute(sa.update(campaigns).where(campaigns.c.id == campaign).values(**values))


def changed(tx: Transaction, campaign: str) -> None:
    """Count something that can make another selection find what the one before did not."""
    update(tx, campaign, changes=campaigns.c.changes + 1)


def name_revision(tx: Transaction, campaign: Campaign, revision: int, to_learn: int | None) -> None:
    """Keep the highest revision that a closed batch named, and the highest that is to be learned from."""
    if revision > campaign.named_revision:
        update(tx, campaign.id, named_revision=revision)
    if to_learn is not None and revision > campaign.training_revision:
        update(tx, campaign.id, training_revision=revision, training_batch=to_learn)


def apply_revision(tx: Transaction, campaign: Campaign, revision: int) -> bool:
    """Count a label revision as applied; False if it was before. One that comes early waits for its turn."""
    if revision <= campaign.applied_revision:
        return False
    early = sa.select(early_revisions.c.revision).where(early_revisions.c.campaign == campaign.id)
    waiting = set(tx.execute(early).scalars())
    if revision in waiting:
        return False
    applied = campaign.applied_revision
    arrived = waiting | {revision}
    while applied + 1 in arrived:
        applied += 1
    if applied == campaign.applied_revision:
        tx.execute(sa.insert(early_revisions).values(campaign=campaign.id, revision=revision))
    else:
        update(tx, campaign.id, applied_revision=applied)
        if waiting:
            _forget_up_to(tx, campaign.id, applied)
    return True


def _forget_up_to(tx: Transaction, campaign: str, revision: int) -> None:
    mine = (early_revisions.c.campaign == campaign, early_revisions.c.revision <= revision)
    tx.execute(sa.delete(early_revisions).where(*mine))
