"""Vendors as rows, and the campaigns that each may label for."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from aloft.kit.database import Transaction
from aloft.kit.database.columns import NOW
from aloft.kit.errors import AlreadyExists, NotFound
from aloft.label_store.store.tables import vendor_campaigns, vendors


@dataclass(frozen=True, slots=True)
class Vendor:
    """One vendor."""

    id: str
    display_name: str
    max_leases: int
    campaigns: tuple[str, ...]
    created_us: int = 0


def unknown(vendor: str) -> NotFound:
    """Make the error that says there is no such vendor."""
    return NotFound("VENDOR_NOT_FOUND", f"vendors/{vendor} does not exist", vendor=vendor)


def insert(tx: Transaction, vendor: Vendor) -> None:
    """Write a new vendor."""
    if find(tx, vendor.id) is not None:
        raise AlreadyExists("VENDOR_EXISTS", f"there is a vendor {vendor.id!r} already", vendor=vendor.id)
    row = {"id": vendor.id, "display_name": vendor.display_name, "max_leases": vendor.max_leases}
    tx.execute(sa.insert(vendors).values(**row, created_us=NOW))
    if vendor.campaigns:
        rows = [{"vendor": vendor.id, "campaign": campaign} for campaign in vendor.campaigns]
        tx.execute(sa.insert(vendor_campaigns), rows)


def find(tx: Transaction, vendor: str) -> Vendor | None:
    """Read a vendor, None if there is none."""
    found = _read(tx, sa.select(vendors).where(vendors.c.id == vendor))
    return found[0] if found else None


def lock_quota(tx: Transaction, vendor: str) -> int:
    """Lock a vendor's row, so that its leases are counted one call at a time; say how many it may hold."""
    row = tx.execute(sa.select(vendors.c.max_leases).where(vendors.c.id == vendor).with_for_update()).first()
    if row is None:
        raise unknown(vendor)
    return int(row.max_leases)


def page(tx: Transaction, after: str, limit: int) -> Sequence[Vendor]:
    """Read vendors in the order of their ids."""
    return _read(tx, sa.select(vendors).where(vendors.c.id > after).order_by(vendors.c.id).limit(limit))


def campaigns_of(tx: Transaction, vendor: str) -> frozenset[str]:
    """Read what a vendor may see."""
    wanted = sa.select(vendor_campaigns.c.campaign).where(vendor_campaigns.c.vendor == vendor)
    return frozenset(tx.execute(wanted).scalars())


def of_campaign(tx: Transaction, campaign: str) -> frozenset[str]:
    """Name the vendors that may label for a campaign."""
    wanted = sa.select(vendor_campaigns.c.vendor).where(vendor_campaigns.c.campaign == campaign)
    return frozenset(tx.execute(wanted).scalars())


def _read(tx: Transaction, wanted: sa.Select[tuple[object, ...]]) -> list[Vendor]:
    rows = tx.execute(wanted).mappings().all()
    scopes: defaultdict[str, list[str]] = defaultdict(list)
    scoped = (
        sa.select(vendor_campaigns)
        .where(vendor_campaigns.c.vendor.in_([row["id"] for row in rows]))
        .order_by(vendor_campaigns.c.campaign)
    )
    for scope in tx.execute(scoped):
        scopes[scope.vendor].append(scope.campaign)
    return [Vendor(**row, campaigns=tuple(scopes[row["id"]])) for row in rows]
