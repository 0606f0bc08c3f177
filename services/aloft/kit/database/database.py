"""Transactions on PostgreSQL and SQLite that know the time and what to do once they are committed."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Protocol

from sqlalchemy import Connection, CursorResult, Executable, text

from aloft.kit.clock import SECOND, Clock, ManualClock, SystemClock
from aloft.kit.database.engine import connect_to_read, create
from aloft.kit.database.hold import hold_file, hold_session
from aloft.kit.steps import Wake

Parameters = Mapping[str, Any] | Sequence[Mapping[str, Any]] | None


class Transaction:
    """One open transaction."""

    def __init__(self, connection: Connection, database: "Database") -> None:
        self.connection = connection
        self.database = database
        self._after: list[Callable[[], None]] = []

    @property
    def on_sqlite(self) -> bool:
        """Whether row locks are implied, because the one writer holds the whole database."""
        return self.database.on_sqlite

    def execute(self, statement: Executable, parameters: Parameters = None) -> CursorResult[Any]:
        """Run a statement; a sequence of parameters runs it once for each."""
        return self.connection.execute(statement, parameters)

    def now(self) -> int:
        """Read the database's clock, in microseconds."""
        return int(self.connection.execute(text("SELECT aloft_now()")).scalar_one())

    def lock(self, name: str) -> None:
        """Wait for a named lock that the end of the transaction gives back."""
        if not self.on_sqlite:
            self.connection.execute(
                text("SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || :name, 0))"),
                {"name": name},
            )

    def on_commit(self, action: Callable[[], None]) -> None:
        """Do this after the commit, and never if there is none; asked twice, once. It must not fail."""
        if action not in self._after:
            self._after.append(action)

    def committed(self) -> None:
        """Run what was asked for; called by the database."""
        for action in self._after:
            action()


class Transactions(Protocol):
    """The port: what a use case needs of a database. The fault wrapper stands in here."""

    @property
    def schema(self) -> str:
        """Whose data it holds."""

    @property
    def on_sqlite(self) -> bool:
        """Whether one writer holds the whole database."""

    def transaction(self) -> AbstractContextManager[Transaction]:
        """Open a transaction that commits at the end of the block, or rolls back if it raises."""

    def read(self) -> AbstractContextManager[Transaction]:
        """Open a transaction that sees one moment and can change nothing."""

    def hold(self, name: str) -> AbstractContextManager[bool]:
        """Try for a lock held across transactions; False if another process, or loop, has it."""

    def wake(self, name: str) -> Wake:
        """What wakes the loop of that name in this process."""


class Database:
    """A service's schema in PostgreSQL, or a SQLite file."""

    def __init__(self, url: str, *, schema: str, clock: Clock | None = None, pool_size: int = 16) -> None:
        self.schema = schema
        self.clock = clock or SystemClock()
        self.url = url
        self.engine = create(url, schema, self.clock, pool_size)
        self.on_sqlite = self.engine.dialect.name == "sqlite"
        # SQLite has one writer; queueing here is fairer and quicker than its busy handler, which sleeps.
        self._writer: AbstractContextManager[Any] = threading.Lock() if self.on_sqlite else nullcontext()
        self._thread = threading.local()
        self._wakes: dict[str, Wake] = {}

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Open a transaction that commits at the end of the block, or rolls back if it raises."""
        if getattr(self._thread, "writes", False):
            raise RuntimeError(
                "this thread has a transaction open: pass it on, a second one would wait for it for ever"
            )
        self._thread.writes = True
        try:
            with self._writer, self.engine.connect() as connection, connection.begin():
                opened = Transaction(connection, self)
                yield opened
        finally:
            self._thread.writes = False
        opened.committed()

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """Open a transaction that sees one moment and can change nothing."""
        with connect_to_read(self.engine) as connection, connection.begin():
            yield Transaction(connection, self)

    def hold(self, name: str) -> AbstractContextManager[bool]:
        """Try for a lock held across transactions; False if another process, or loop, has it."""
        if self.on_sqlite:
            return hold_file(str(self.engine.url.database), name)
        return hold_session(self.engine, f"{self.schema}/{name}")

    def wake(self, name: str) -> Wake:
        """What wakes the loop of that name in this process."""
        return self._wakes.setdefault(name, Wake())

    def advance(self, seconds: float) -> None:
        """Set the time forward for everybody who reads it from this database: for tests.

        On PostgreSQL that is every process; a `ManualClock` that the database was given moves along.
        """
        if isinstance(self.clock, ManualClock):
            self.clock.advance(seconds)
        elif self.on_sqlite:
            raise TypeError(
                "time on SQLite is its clock's: give the database a ManualClock to set it forward"
            )
        if not self.on_sqlite:
            with self.transaction() as tx:
                tx.execute(
                    text("UPDATE aloft_clock SET shift_us = shift_us + :us"), {"us": round(seconds * SECOND)}
                )

    def close(self) -> None:
        """Give back every connection."""
        self.engine.dispose()
