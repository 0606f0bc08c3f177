"""Tasks as rows. The database's clock alone decides who holds one: a lease ends when its time has passed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from aloft.kit.database import Transaction
from aloft.kit.database.columns import NOW
from aloft.label_store.store.images import chunks
from aloft.label_store.store.tables import expired_leases, tasks

OPEN, DONE, SKIPPED, WITHDRAWN = "open", "done", "skipped", "withdrawn"

# Written out, not bound: a planner uses a partial index only where it sees the index's own condition.
IS_OPEN = tasks.c.state == sa.literal_column("'open'")
"""What an open task is, as the partial indexes say it."""


@dataclass(frozen=True, slots=True)
class Task:
    """One task at one moment. An open one is leased while `lease_until_us` lies ahead."""

    campaign: str
    id: str
    batch: int
    image: str
    state: str = OPEN
    vendor: str = ""
    annotator: str = ""
    lease: str = ""
    lease_until_us: int = 0
    leased_us: int = 0
    final: bool = False
    skip_reason: str = ""
    created_us: int = 0
    ended_us: int | None = None

    def leased(self, now: int) -> bool:
        """Whether somebody holds it at that time."""
        return self.state == OPEN and self.lease_until_us > now

    def held_by(self, vendor: str, lease: str, now: int) -> bool:
        """Whether that lease of that vendor is the one that holds it."""
        return self.leased(now) and self.vendor == vendor and self.lease == lease

    def done_by(self, vendor: str, lease: str) -> bool:
        """Whether that vendor labelled it under that lease."""
        return self.state == DONE and self.vendor == vendor and self.lease == lease


def task_ids(batch: int, image: str, overlap: int) -> list[str]:
    """Name the tasks of an image in a batch, one for each annotator."""
    first = f"{batch}-{image}"
    return [first, *(f"{first}-{number}" for number in range(1, overlap))]


def siblings(ids: Iterable[str], overlap: int) -> list[str]:
    """Name these tasks and all others of the same images, in the order of the images."""
    places = {(parts[1], parts[0]) for parts in (one.split("-") for one in ids) if len(parts) in (2, 3)}
    return [one for image, batch in sorted(places) for one in _named(batch, image, overlap)]


def _named(batch: str, image: str, overlap: int) -> list[str]:
    return task_ids(int(batch), image, overlap) if batch.isdecimal() else []


def insert(tx: Transaction, campaign: str, batch: int, images: Sequence[str], overlap: int) -> None:
    """Write the tasks of each image."""
    rows = [
        {"campaign": campaign, "id": task, "batch": batch, "image": image, "state": OPEN}
        for image in images
        for task in task_ids(batch, image, overlap)
    ]
    if rows:
        tx.execute(sa.insert(tasks).values(created_us=NOW), rows)


def some(tx: Transaction, campaign: str, ids: Sequence[str]) -> dict[str, Task]:
    """Read those of these tasks that there are."""
    found: dict[str, Task] = {}
    for part in chunks(ids):
        wanted = sa.select(tasks).where(tasks.c.campaign == campaign, tasks.c.id.in_(part))
        found.update((row["id"], Task(**row)) for row in tx.execute(wanted).mappings())
    return found


def lock(tx: Transaction, campaign: str, ids: Sequence[str]) -> dict[str, Task]:
    """Lock and read those of these tasks that there are. Of many, `ids` are in the order of their images."""
    found: dict[str, Task] = {}
    for part in chunks(ids):
        wanted = sa.select(tasks).where(tasks.c.campaign == campaign, tasks.c.id.in_(part))
        found.update((task.id, task) for task in _locked(tx, wanted))
    return found


def lock_over(tx: Transaction, campaign: str) -> Sequence[Task]:
    """Lock and read tasks whose last lease has run out. The campaign's row is locked."""
    return _locked(tx, sa.select(tasks).where(tasks.c.campaign == campaign, *_OVER))


def _locked(tx: Transaction, wanted: sa.Select[Any]) -> Sequence[Task]:
    rows = tx.execute(wanted.order_by(tasks.c.image, tasks.c.id).with_for_update()).mappings()
    return [Task(**row) for row in rows]


_OVER = (IS_OPEN, tasks.c.lease_until_us > 0, tasks.c.lease_until_us <= NOW, tasks.c.final)


def campaigns_with_over(tx: Transaction, limit: int) -> Sequence[str]:
    """Name campaigns that have tasks whose last lease has run out."""
    wanted = sa.select(tasks.c.campaign).where(*_OVER).distinct().limit(limit)
    return list(tx.execute(wanted).scalars())


def change(tx: Transaction, campaign: str, ids: Sequence[str], **values: Any) -> None:
    """Set columns of some tasks."""
    for part in chunks(ids):
        rows = (tasks.c.campaign == campaign, tasks.c.id.in_(part))
        tx.execute(sa.update(tasks).where(*rows).values(**values))


def end(tx: Transaction, campaign: str, ids: Sequence[str], state: str, **values: Any) -> None:
    """End tasks: done, skipped or withdrawn."""
    change(tx, campaign, ids, state=state, ended_us=NOW, **values)


def take(
    tx: Transaction, free: Sequence[Task], vendor: str, annotator: str, lease: str, until_us: int
) -> None:
    """Write who holds these tasks now. One lease covers them all; each task stands on its own under it."""
    ids = [task.id for task in free]
    held = {"vendor": vendor, "annotator": annotator, "lease": lease, "lease_until_us": until_us}
    change(tx, free[0].campaign, ids, **held, leased_us=NOW)


def keep_until(tx: Transaction, campaign: str, ids: Sequence[str], until_us: int) -> None:
    """Let leases run until then; none ends sooner than it would have."""
    later = sa.case((tasks.c.lease_until_us > until_us, tasks.c.lease_until_us), else_=until_us)
    change(tx, campaign, ids, lease_until_us=later)


def give_up(tx: Transaction, campaign: str, ids: Sequence[str]) -> None:
    """Write that nobody holds these tasks."""
    change(tx, campaign, ids, vendor="", annotator="", lease="", lease_until_us=0)


def note_expired(tx: Transaction, over: Sequence[Task]) -> None:
    """Count leases that ran out against their vendors."""
    rows = [
        {"lease": task.lease, "campaign": task.campaign, "vendor": task.vendor, "task": task.id}
        for task in over
        if task.lease
    ]
    if rows:
        tx.execute(sa.insert(expired_leases), rows)
