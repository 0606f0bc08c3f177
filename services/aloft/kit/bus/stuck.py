"""What an inbox has given up, and what it tries again later, each with its reason: for the command line."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from aloft.kit.bus import tables
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


def dead_events(tx: Transaction, limit: int = 100) -> Sequence[Stuck]:
    """Read the events that were given up, the oldest first."""
    rows = tx.execute(select(tables.inbox).where(tables.IS_DEAD).order_by(tables.inbox.c.id).limit(limit))
    return [Stuck(row.topic, row.key, row.event, row.attempts, row.error or "", None) for row in rows]


def parked_lanes(tx: Transaction, limit: int = 100) -> Sequence[Stuck]:
    """Read the lanes whose first event failed and is tried again later, the soonest first."""
    lane, event = tables.lanes.c, tables.inbox.c
    first = select(func.min(event.id)).where(
        tables.IS_PENDING, event.topic == lane.topic, event.key == lane.key
    )
    of_lane = first.correlate(tables.lanes).scalar_subquery()
    rows = tx.execute(
        select(lane.topic, lane.key, lane.attempts, lane.error, lane.due_us, event.event)
        .join_from(tables.lanes, tables.inbox, event.id == of_lane)
        .where(lane.attempts > 0)
        .order_by(lane.due_us)
        .limit(limit)
    ).all()
    now = tx.now()
    return [
        Stuck(row.topic, row.key, row.event, row.attempts, row.error or "", max(0, row.due_us - now) / SECOND)
        for row in rows
    ]
