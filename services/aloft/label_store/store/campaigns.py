"""Campaigns as rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from aloft.api.labels.v1 import campaign_pb2 as pb
from aloft.kit.database import Transaction
from aloft.kit.database.columns import NOW
from aloft.kit.errors import AlreadyExists, NotFound
from aloft.label_store.domain.budgets import Spending
from aloft.label_store.store.tables import campaigns

EVALUATION = 0
"""The number of the label store's own batch, of images that versions are judged by."""
PAUSED, RUNNING, STOPPED = "paused", "running", "stopped"


@dataclass(frozen=True, slots=True)
class Campaign:
    """One campaign at one moment; `spec` is what a client may set of it."""

    id: str
    spec: pb.Campaign
    state: str
    state_reason: str
    state_by: str
    state_since_us: int
    version: int
    label_revision: int
    newest_batch: int
    open_batch: int | None
    evaluating: bool
    labelled_images: int
    annotations: int
    promoted_version: int
    created_us: int
    updated_us: int

    @property
    def labels(self) -> list[str]:
        """The ids of the taxonomy's labels, in its order."""
        return [label.id for label in self.spec.taxonomy.labels]

    @property
    def open_batches(self) -> tuple[int, ...]:
        """The batches that are open: the one of images to learn from, and batch 0 beside it."""
        of_pool = () if self.open_batch is None else (self.open_batch,)
        return (EVALUATION, *of_pool) if self.evaluating else of_pool

    @property
    def spent(self) -> Spending:
        """What it has spent of its budget."""
        return Spending(self.labelled_images, self.annotations)


def unknown(campaign: str) -> NotFound:
    """Make the error that says there is no such campaign, or not for this caller."""
    return NotFound("CAMPAIGN_NOT_FOUND", f"campaigns/{campaign} does not exist", campaign=campaign)


def insert(tx: Transaction, campaign: str, spec: pb.Campaign, by: str) -> Campaign:
    """Write a new campaign, paused."""
    if tx.execute(sa.select(campaigns.c.id).where(campaigns.c.id == campaign)).first() is not None:
        raise AlreadyExists("CAMPAIGN_EXISTS", f"there is a campaign {campaign!r} already", campaign=campaign)
    row = {
        "id": campaign,
        "spec": spec.SerializeToString(deterministic=True),
        "state": PAUSED,
        "state_reason": "CREATED",
        "state_by": by,
        "state_since_us": NOW,
        "version": 1,
        "created_us": NOW,
        "updated_us": NOW,
    }
    written = tx.execute(sa.insert(campaigns).values(row).returning(campaigns))
    return _campaign(written.mappings().one())


def find(tx: Transaction, campaign: str, *, lock: bool = False) -> Campaign | None:
    """Read a campaign, None if there is none; with `lock`, nobody else changes it until the end."""
    wanted = sa.select(campaigns).where(campaigns.c.id == campaign)
    row = tx.execute(wanted.with_for_update() if lock else wanted).mappings().first()
    return None if row is None else _campaign(row)


def get(tx: Transaction, campaign: str) -> Campaign:
    """Read a campaign, or raise `NotFound`."""
    found = find(tx, campaign)
    if found is None:
        raise unknown(campaign)
    return found


def lock(tx: Transaction, campaign: str) -> Campaign:
    """Lock and read a campaign, or raise `NotFound`: the first thing that every change of one does."""
    found = find(tx, campaign, lock=True)
    if found is None:
        raise unknown(campaign)
    return found


def page(tx: Transaction, after: str, limit: int) -> Sequence[Campaign]:
    """Read campaigns in the order of their ids."""
    wanted = sa.select(campaigns).where(campaigns.c.id > after).order_by(campaigns.c.id).limit(limit)
    return [_campaign(row) for row in tx.execute(wanted).mappings()]


def update(tx: Transaction, campaign: str, **values: Any) -> Campaign:
    """Change columns of a campaign whose row is locked, and say how it is now."""
    change = sa.update(campaigns).where(campaigns.c.id == campaign).values(**values)
    return _campaign(tx.execute(change.returning(campaigns)).mappings().one())


def _campaign(row: sa.RowMapping) -> Campaign:
    return Campaign(**{**row, "spec": pb.Campaign.FromString(row["spec"])})
