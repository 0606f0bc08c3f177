"""Prunes what is finished and old, so that the tables hold what is alive and a week of history."""

import time

from sqlalchemy import Column, ColumnElement, Delete, Table, bindparam, delete, select

from aloft.kit.bus import tables
from aloft.kit.clock import SECOND
from aloft.kit.database.database import Transactions

KEPT_S = 7 * 86_400.0
"""How long published and handled events are kept. The inbox knows repeats of an event for as long."""
CHUNK = 1_000
"""How many rows of a table one step removes at most."""


class Sweep:
    """Removes published rows of the outbox and handled rows of the inbox. Dead ones stay."""

    name = "sweep"

    def __init__(
        self, database: Transactions, *, kept_s: float = KEPT_S, chunk: int = CHUNK, rest_s: float = 0.0
    ) -> None:
        self._database = database
        self._rest_s = rest_s
        self._again = 0.0
        self._kept_us = round(kept_s * SECOND)
        self._chunk = chunk

    def step(self) -> bool:
        """Remove one chunk of each; once there is nothing more, rest for `rest_s`."""
        if time.monotonic() < self._again:
            return False
        with self._database.transaction() as tx:
            counts = [tx.execute(each, {"kept": self._kept_us, "n": self._chunk}).rowcount for each in _OLD]
        more = max(counts) == self._chunk
        self._again = 0.0 if more else time.monotonic() + self._rest_s
        return more


def _old(table: Table, finished: Column[int], which: ColumnElement[bool]) -> Delete:
    before = tables.now() - bindparam("kept")
    old = select(table.c.id).where(which, finished < before).order_by(finished).limit(bindparam("n"))
    return delete(table).where(table.c.id.in_(old))


_OLD = (
    _old(tables.outbox, tables.outbox.c.published_us, tables.outbox.c.published_us.is_not(None)),
    _old(tables.inbox, tables.inbox.c.finished_us, tables.IS_DONE),
)
