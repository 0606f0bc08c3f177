"""What an outbox could not send and an inbox gave up, or tries again later, each with its reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, func, select

from aloft.kit.bus import tables
from aloft.kit.bus.context import NotYet
from aloft.kit.clock import SECOND
from aloft.kit.database import Transaction


@dataclass(frozen=True, slots=True)
class Stuck:
    """An event that is dead, or the first of a lane that backs off."""

    topic: str
    key: str
    event: str
    attempts: int
    error: str
    again_in_s: float | None
    """When it is tried again; never, for a dead one."""
    since_us: int
    """When it was given up, or came in."""

    @property
    def early(self) -> bool:
        """Whether it only waits for another event, which has not come yet."""
        return self.error.startswith(f"{NotYet.__name__}: ")


@dataclass(frozen=True, slots=True)
class Unpublished:
    """Events of a key that the broker has not taken."""

    events: int
    topics: Sequence[str]
    oldest_us: int


def dead_events(tx: Transaction, limit: int = 100, key: str | None = None) -> Sequence[Stuck]:
    """Read the events that were given up, all or those of a key, the oldest first."""
    column = tables.inbox.c
    wanted = select(tables.inbox).where(tables.IS_DEAD).order_by(column.id).limit(limit)
    if key is not None:
        wanted = wanted.where(column.key == key)
    return [
        Stuck(row.topic, row.key, row.event, row.attempts, row.error or "", None, _since(row))
        for row in tx.execute(wanted)
    ]


def _since(row: Row[Any]) -> int:
    return int(row.received_us if row.finished_us is None else row.finished_us)


def parked_lanes(tx: Transaction, limit: int = 100, key: str | None = None) -> Sequence[Stuck]:
    """Read the lanes whose first event failed and is tried again later, the soonest first."""
    lane, event = tables.lanes.c, tables.inbox.c
    first = select(func.min(event.id)).where(
        tables.IS_PENDING, event.topic == lane.topic, event.key == lane.key
    )
    of_lane = first.correlate(tables.lanes).scalar_subquery()
    wanted = (
        select(lane.topic, lane.key, lane.attempts, lane.error, lane.due_us, event.event, event.received_us)
        .join_from(tables.lanes, tables.inbox, event.id == of_lane)
        .where(lane.attempts > 0)
        .order_by(lane.due_us)
        .limit(limit)
    )
    if key is not None:
        wanted = wanted.where(lane.key == key)
    rows, now = tx.execute(wanted).all(), tx.now()
    return [
        Stuck(
            topic=row.topic,
            key=row.key,
            event=row.event,
            attempts=row.attempts,
            error=row.error or "",
            again_in_s=max(0, row.due_us - now) / SECOND,
            since_us=row.received_us,
        )
        for row in rows
    ]


def unpublished(tx: Transaction, key: str) -> Unpublished | None:
    """Say what the broker has not taken of a key; None if it has taken all."""
    column = tables.outbox.c
    waiting = (
        select(column.topic, func.count().label("events"), func.min(column.created_us).label("oldest"))
        .where(column.published_us.is_(None), column.aggregateid == key)
        .group_by(column.topic)
        .order_by(column.topic)
    )
    rows = tx.execute(waiting).all()
    if not rows:
        return None
    return Unpublished(
        sum(row.events for row in rows), [row.topic for row in rows], min(row.oldest for row in rows)
    )
