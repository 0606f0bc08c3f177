"""Batches as rows, and what became of each image in them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from aloft.kit.database import Transaction
from aloft.kit.database.columns import NOW
from aloft.label_store.domain.batches import Outcome
from aloft.label_store.store.campaigns import EVALUATION
from aloft.label_store.store.images import chunks
from aloft.label_store.store.tables import batch_images, batches


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch at one moment. An empty close reason is an open batch."""

    campaign: str
    number: int
    model_version: int
    ranking: str
    strategy: str
    selected_images: int
    accepted_images: int
    close_reason: str = ""
    labelled_images: int = 0
    skipped_images: int = 0
    superseded_images: int = 0
    close_at_us: int | None = None
    created_us: int = 0
    closed_us: int | None = None


def find(tx: Transaction, campaign: str, number: int) -> Batch | None:
    """Read a batch, None if there is none."""
    wanted = sa.select(batches).where(batches.c.campaign == campaign, batches.c.number == number)
    row = tx.execute(wanted).mappings().first()
    return None if row is None else Batch(**row)


def insert(tx: Transaction, batch: Batch, accepted: Sequence[str], close_after_us: int) -> None:
    """Write a new batch with the images it sends out."""
    columns = (
        "campaign",
        "number",
        "model_version",
        "ranking",
        "strategy",
        "selected_images",
        "accepted_images",
    )
    row: dict[str, Any] = {name: getattr(batch, name) for name in columns}
    due = NOW + close_after_us if close_after_us else None
    tx.execute(sa.insert(batches).values(**row, created_us=NOW, close_at_us=due))
    if accepted:
        rows = [
            {"campaign": batch.campaign, "batch": batch.number, "image": image, "outcome": Outcome.OPEN}
            for image in accepted
        ]
        tx.execute(sa.insert(batch_images), rows)


_COUNTED = {
    Outcome.LABELLED: batches.c.labelled_images,
    Outcome.SKIPPED: batches.c.skipped_images,
    Outcome.SUPERSEDED: batches.c.superseded_images,
}


def settle(tx: Transaction, campaign: str, images: Mapping[int, Sequence[str]], outcome: Outcome) -> None:
    """Say what became of images, by the batch that they were in, and count it."""
    for number, ids in images.items():
        for part in chunks(ids):
            tx.execute(
                sa.update(batch_images)
                .where(
                    batch_images.c.campaign == campaign,
                    batch_images.c.batch == number,
                    batch_images.c.image.in_(part),
                )
                .values(outcome=outcome)
            )
        counted = _COUNTED.get(outcome)
        if counted is not None and ids:
            row = (batches.c.campaign == campaign, batches.c.number == number)
            tx.execute(sa.update(batches).where(*row).values({counted: counted + len(ids)}))


def close(tx: Transaction, campaign: str, number: int, reason: str) -> None:
    """Mark a batch as closed."""
    row = (batches.c.campaign == campaign, batches.c.number == number)
    tx.execute(sa.update(batches).where(*row).values(close_reason=reason, closed_us=NOW))


def outcomes(tx: Transaction, campaign: str, number: int) -> dict[Outcome, list[str]]:
    """Read what became of a batch's images: their ids by outcome, in order."""
    wanted = (
        sa.select(batch_images.c.outcome, batch_images.c.image)
        .where(batch_images.c.campaign == campaign, batch_images.c.batch == number)
        .order_by(batch_images.c.image)
    )
    by_outcome: defaultdict[Outcome, list[str]] = defaultdict(list)
    for row in tx.execute(wanted):
        by_outcome[Outcome(row.outcome)].append(row.image)
    return by_outcome


def unfinished(tx: Transaction, campaign: str, number: int) -> list[str]:
    """Read the images of a batch of which nothing has become yet."""
    return outcomes(tx, campaign, number).get(Outcome.OPEN, [])


def reschedule(tx: Transaction, campaign: str, close_after_us: int) -> None:
    """Have the open batches of a campaign close so long after they were opened; 0 is never."""
    due = batches.c.created_us + close_after_us if close_after_us else None
    rows = (batches.c.campaign == campaign, batches.c.close_reason == "")
    tx.execute(sa.update(batches).where(*rows).values(close_at_us=due))


_OVERDUE = (
    batches.c.close_reason == "",
    batches.c.close_at_us <= NOW,
    # Without a label of the evaluation batch no version is ever judged: it waits for the first one.
    sa.or_(batches.c.number != EVALUATION, batches.c.labelled_images > 0),
)


def overdue(tx: Transaction, campaign: str) -> Sequence[int]:
    """Number the open batches of a campaign whose time has passed."""
    wanted = sa.select(batches.c.number).where(batches.c.campaign == campaign, *_OVERDUE)
    return list(tx.execute(wanted.order_by(batches.c.number)).scalars())


def campaigns_with_overdue(tx: Transaction, limit: int) -> Sequence[str]:
    """Name campaigns that have open batches whose time has passed."""
    wanted = sa.select(batches.c.campaign).where(*_OVERDUE).distinct().limit(limit)
    return list(tx.execute(wanted).scalars())


def page(tx: Transaction, campaign: str, after: int, limit: int) -> Sequence[Batch]:
    """Read batches in the order of their numbers; the first page is after -1."""
    wanted = (
        sa.select(batches)
        .where(batches.c.campaign == campaign, batches.c.number > after)
        .order_by(batches.c.number)
        .limit(limit)
    )
    return [Batch(**row) for row in tx.execute(wanted).mappings()]


def count_closed(tx: Transaction, campaign: str) -> int:
    """Count the batches that were closed."""
    wanted = sa.select(sa.func.count()).where(batches.c.campaign == campaign, batches.c.close_reason != "")
    return int(tx.execute(wanted).scalar_one())


def newest_opening(tx: Transaction, campaign: str) -> int:
    """Say when the last batch came in; 0 if there was none."""
    wanted = sa.select(sa.func.max(batches.c.created_us)).where(batches.c.campaign == campaign)
    return int(tx.execute(wanted).scalar_one() or 0)


def newest_closing(tx: Transaction, campaign: str) -> int:
    """Say when the last batch was closed; 0 if none was."""
    wanted = sa.select(sa.func.max(batches.c.closed_us)).where(batches.c.campaign == campaign)
    return int(tx.execute(wanted).scalar_one() or 0)
