"""What is counted of tasks: what is open, held and spent, of a campaign or of a vendor."""

from collections import defaultdict

import sqlalchemy as sa

from aloft.kit.database import Transaction
from aloft.kit.database.columns import NOW
from aloft.label_store.domain.budgets import InFlight
from aloft.label_store.store.campaigns import EVALUATION
from aloft.label_store.store.tables import expired_leases, tasks
from aloft.label_store.store.tasks import IS_OPEN

_IS_SKIPPED = tasks.c.state == sa.literal_column("'skipped'")


def count_held(tx: Transaction, vendor: str, campaign: str | None = None) -> int:
    """Count the tasks that a vendor holds now."""
    wanted = sa.select(sa.func.count()).where(tasks.c.vendor == vendor, IS_OPEN, tasks.c.lease_until_us > NOW)
    if campaign is not None:
        wanted = wanted.where(tasks.c.campaign == campaign)
    return int(tx.execute(wanted).scalar_one())


def first_expiry(tx: Transaction, vendor: str) -> int | None:
    """Say when the first of a vendor's leases runs out."""
    wanted = sa.select(sa.func.min(tasks.c.lease_until_us)).where(
        tasks.c.vendor == vendor, IS_OPEN, tasks.c.lease_until_us > NOW
    )
    first: int | None = tx.execute(wanted).scalar_one()
    return first


def count_open(tx: Transaction, campaign: str) -> tuple[int, int]:
    """Count a campaign's open tasks, and those of them that are leased now."""
    leased = sa.case((tasks.c.lease_until_us > NOW, 1), else_=0)
    wanted = sa.select(
        sa.func.count().label("every"), sa.func.coalesce(sa.func.sum(leased), 0).label("held")
    ).where(tasks.c.campaign == campaign, IS_OPEN)
    counted = tx.execute(wanted).one()
    return int(counted.every), int(counted.held)


def images_out(tx: Transaction, campaign: str) -> dict[int, list[str]]:
    """Name the images that have open tasks, by their batches."""
    wanted = (
        sa.select(tasks.c.batch, tasks.c.image)
        .where(tasks.c.campaign == campaign, IS_OPEN)
        .distinct()
        .order_by(tasks.c.batch, tasks.c.image)
    )
    out: defaultdict[int, list[str]] = defaultdict(list)
    for row in tx.execute(wanted):
        out[row.batch].append(row.image)
    return out


def in_flight(tx: Transaction, campaign: str) -> InFlight:
    """Count what is out that the budget will pay for: images, and the annotations that they still need."""
    wanted = sa.select(
        sa.func.count(tasks.c.image.distinct()).label("images"), sa.func.count().label("annotations")
    ).where(tasks.c.campaign == campaign, IS_OPEN, tasks.c.batch != EVALUATION)
    counted = tx.execute(wanted).one()
    return InFlight(int(counted.images), int(counted.annotations))


def last_leased(tx: Transaction, campaign: str) -> int:
    """Say when somebody last took a task that is still open; 0 if nobody did."""
    wanted = sa.select(sa.func.max(tasks.c.leased_us)).where(tasks.c.campaign == campaign, IS_OPEN)
    return int(tx.execute(wanted).scalar_one() or 0)


def count_skipped(tx: Transaction, campaign: str, vendor: str) -> int:
    """Count the tasks that a vendor skipped."""
    wanted = sa.select(sa.func.count()).where(
        tasks.c.campaign == campaign, tasks.c.vendor == vendor, _IS_SKIPPED
    )
    return int(tx.execute(wanted).scalar_one())


def count_expired(tx: Transaction, campaign: str, vendor: str) -> int:
    """Count a vendor's leases that ran out, those included that nobody has looked at since."""
    noted = sa.select(sa.func.count()).where(
        expired_leases.c.campaign == campaign, expired_leases.c.vendor == vendor
    )
    unseen = sa.select(sa.func.count()).where(
        tasks.c.campaign == campaign,
        tasks.c.vendor == vendor,
        IS_OPEN,
        tasks.c.lease != "",
        tasks.c.lease_until_us <= NOW,
    )
    return int(tx.execute(noted).scalar_one()) + int(tx.execute(unseen).scalar_one())
