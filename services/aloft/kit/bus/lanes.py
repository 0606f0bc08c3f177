"""Lanes: one for each (topic, key) with events to handle. A lane is served by one worker at a time, in order.

A worker claims a lane with an advisory lock and touches its row only at the end of its transaction, so that
whoever adds events to the lane never waits for a handler. Everybody locks rows in the order of (topic, key).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Select, bindparam, delete, exists, literal, select, text, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from aloft.kit.bus import tables
from aloft.kit.clock import SECOND
from aloft.kit.database import Transaction

CANDIDATES = 64
"""How many due lanes a worker looks at to find one that no other worker has."""
BACKOFF_S = (0.5, 60.0)
"""How long a lane waits after its first failed attempt, doubled for each further one, and the longest."""


@dataclass(frozen=True, slots=True, order=True)
class Lane:
    """The events of one key on one topic."""

    topic: str
    key: str


def open_lanes(tx: Transaction, wanted: Iterable[Lane]) -> None:
    """Make sure that lanes with new events are served; one that backs off goes on backing off."""
    rows = [{"topic": lane.topic, "key": lane.key} for lane in sorted(set(wanted))]
    if rows:
        tx.execute(_OPEN_SQLITE if tx.on_sqlite else _OPEN_POSTGRESQL, rows)


def claim_due(tx: Transaction) -> Lane | None:
    """Take the lane that has been due longest and that nobody else has, to the end of the transaction."""
    row = tx.execute(_DUE_SQLITE if tx.on_sqlite else _DUE_POSTGRESQL).first()
    return Lane(row.topic, row.key) if row else None


def claim(tx: Transaction, lane: Lane) -> bool:
    """Try to take this lane to the end of the transaction."""
    if tx.on_sqlite:
        return True
    return bool(tx.execute(_CLAIM, {"topic": lane.topic, "key": lane.key}).scalar_one())


def failed_attempts(tx: Transaction, lane: Lane) -> int | None:
    """Count the failed attempts at the lane's first event; None if the lane is not due (any more)."""
    return tx.execute(_ATTEMPTS, {"t": lane.topic, "k": lane.key}).scalar()


def settle(tx: Transaction, lane: Lane) -> None:
    """After a success: the lane goes behind the others, or away if nothing is left in it."""
    at = {"t": lane.topic, "k": lane.key}
    # The lock first, in a statement of its own: only the next one sees what an adder committed meanwhile.
    tx.execute(_LOCK, at)
    tx.execute(_REQUEUE if tx.execute(_ANY_PENDING, at).first() else _CLOSE, at)


def back_off(tx: Transaction, lane: Lane, failed: int, error: str) -> None:
    """After attempt number `failed` failed: the lane waits, alone, and says why."""
    first, longest = BACKOFF_S
    wait_s = min(longest, first * 2 ** min(failed - 1, 30))
    tx.execute(
        _BACK_OFF, {"t": lane.topic, "k": lane.key, "wait": round(wait_s * SECOND), "n": failed, "why": error}
    )


def due_now(tx: Transaction, key: str, besides: Lane) -> None:
    """Let every other lane of a key try again at once: what it waited for may be there now."""
    tx.execute(_LOCK_KEY, {"k": key})
    tx.execute(_DUE_NOW, {"k": key, "t": besides.topic})


_c = tables.lanes.c
_here = (_c.topic == bindparam("t")) & (_c.key == bindparam("k"))
_pending = tables.inbox.c

_NEW = {"topic": bindparam("topic"), "key": bindparam("key"), "due_us": tables.now(), "attempts": 0}
# Setting a column to itself changes nothing but takes the row's lock, which `settle` relies on.
_OPEN_POSTGRESQL = (
    postgresql_insert(tables.lanes)
    .values(_NEW)
    .on_conflict_do_update(index_elements=["topic", "key"], set_={"topic": bindparam("topic")})
)
_OPEN_SQLITE = (
    sqlite_insert(tables.lanes).values(_NEW).on_conflict_do_nothing(index_elements=["topic", "key"])
)

_CLAIM_SQL = "pg_try_advisory_xact_lock(hashtextextended(current_schema() || 'lane/' || {}, 0))"
_CLAIM = text("SELECT " + _CLAIM_SQL.format("CAST(:topic AS text) || chr(10) || CAST(:key AS text)"))


def _due() -> "Select[tuple[str, str]]":
    return select(_c.topic, _c.key).where(_c.due_us <= tables.now()).order_by(_c.due_us, _c.topic, _c.key)


_DUE_SQLITE = _due().limit(1)
_candidates = _due().limit(CANDIDATES).subquery("due")
_DUE_POSTGRESQL = (
    select(_candidates.c.topic, _candidates.c.key)
    .where(text(_CLAIM_SQL.format("due.topic || chr(10) || due.key")))
    .limit(1)
)
_ATTEMPTS = select(_c.attempts).where(_here, _c.due_us <= tables.now())
_LOCK = select(literal(1)).select_from(tables.lanes).where(_here).with_for_update()
_LOCK_KEY = select(_c.topic).where(_c.key == bindparam("k")).order_by(_c.topic).with_for_update()
_ANY_PENDING = select(literal(1)).where(
    exists().where(tables.IS_PENDING, _pending.topic == bindparam("t"), _pending.key == bindparam("k"))
)
_REQUEUE = update(tables.lanes).where(_here).values(due_us=tables.now(), attempts=0, error=None)
_CLOSE = delete(tables.lanes).where(_here)
_BACK_OFF = (
    update(tables.lanes)
    .where(_here)
    .values(due_us=tables.now() + bindparam("wait"), attempts=bindparam("n"), error=bindparam("why"))
)
_DUE_NOW = (
    update(tables.lanes)
    .where(_c.key == bindparam("k"), _c.topic != bindparam("t"), _c.due_us > tables.now())
    .values(due_us=tables.now())
)
