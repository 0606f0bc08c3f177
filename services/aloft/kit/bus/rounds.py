"""The traces of a campaign's rounds, kept from the selection of a batch for what is said of it days later."""

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from aloft.kit.bus import tables
from aloft.kit.database import Transaction
from aloft.kit.telemetry.tracing import traceparent


def remember(tx: Transaction, key: str, batch: int) -> None:
    """Keep the trace that this code runs in as that of a batch's round; the first that is kept stays."""
    row = {"key": key, "batch": batch, "traceparent": traceparent()}
    if row["traceparent"]:
        tx.execute(_INSERT_SQLITE if tx.on_sqlite else _INSERT_POSTGRESQL, row)


def trace_of(tx: Transaction, key: str, batch: int | None) -> str:
    """Say the trace of a batch's round, or of the newest where no batch is named; "" if none is kept."""
    if batch is None:
        return tx.execute(_NEWEST, {"k": key}).scalar() or ""
    return tx.execute(_ONE, {"k": key, "b": batch}).scalar() or ""


_c = tables.rounds.c
_INSERT_SQLITE = sqlite_insert(tables.rounds).on_conflict_do_nothing()
_INSERT_POSTGRESQL = postgresql_insert(tables.rounds).on_conflict_do_nothing()
_OF_KEY = select(_c.traceparent).where(_c.key == bindparam("k"))
_ONE = _OF_KEY.where(_c.batch == bindparam("b"))
_NEWEST = _OF_KEY.order_by(_c.batch.desc()).limit(1)
