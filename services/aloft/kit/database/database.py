"""Transactions on PostgreSQL and SQLite that know the database's time and what to do once they are committed."""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Literal, Protocol

from sqlalchemy import Connection, CursorResult, Executable, text

from aloft.kit.clock import SECOND, Clock, ManualClock, SystemClock
from aloft.kit.database.engine import create
from aloft.kit.steps import Wake

Parameters = Mapping[str, Any] | Sequence[Mapping[str, Any]] | None
Isolation = Literal["read", "write"]


class Transaction:
    """One open transaction. What is registered with `on_commit` runs after the commit, and never if there is none."""

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
        return self.connection.execute(statement, parameters)  # type: ignore[arg-type]

    def now(self) -> int:
        """Read the database's clock, in microseconds."""
        return int(self.connection.execute(text("SELECT aloft_now()")).scalar_one())

    def lock(self, name: str) -> None:
        """Wait for a named lock that the end of the transaction gives back."""
        if not self.on_sqlite:
            self.connection.execute(
                text("SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || :name, 0))"), {"name": name}
            )

    def on_commit(self, action: Callable[[], None]) -> None:
        """Do this once the transaction is committed; asking twice for the same does it once."""
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
        """Open a transaction that changes nothing."""

    def hold(self, name: str) -> AbstractContextManager[bool]:
        """Try for a lock held across transactions; False if another process has it."""

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
        self._writer: AbstractContextManager[Any] = threading.RLock() if self.on_sqlite else nullcontext()
        self._wakes: defaultdict[str, Wake] = defaultdict(Wake)
        self._held: set[str] = set()

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Open a transaction that commits at the end of the block, or rolls back if it raises."""
        with self._writer, self._begin("write") as opened:
            yield opened
        opened.committed()

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """Open a transaction that changes nothing."""
        with self._begin("read") as opened:
            yield opened

    @contextmanager
    def _begin(self, isolation: Isolation) -> Iterator[Transaction]:
        connection = self.engine.connect().execution_options(aloft_isolation=isolation)
        with connection, connection.begin():
            yield Transaction(connection, self)

    @contextmanager
    def hold(self, name: str) -> Iterator[bool]:
        """Try for a lock held across transactions; False if another process, or loop, has it."""
        if self.on_sqlite:
            with self._hold_in_process(name) as held:
                yield held
            return
        key = {"name": f"{self.schema}/{name}"}
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            taken = connection.execute(text("SELECT pg_try_advisory_lock(hashtextextended(:name, 0))"), key).scalar_one()
            try:
                yield bool(taken)
            finally:
                if taken and not connection.invalidated:
                    connection.execute(text("SELECT pg_advisory_unlock(hashtextextended(:name, 0))"), key)

    @contextmanager
    def _hold_in_process(self, name: str) -> Iterator[bool]:
        if name in self._held:
            yield False
            return
        self._held.add(name)
        try:
            yield True
        finally:
            self._held.discard(name)

    def wake(self, name: str) -> Wake:
        """What wakes the loop of that name in this process."""
        return self._wakes[name]

    def advance(self, seconds: float) -> None:
        """Set the time forward for everybody who reads it from this database: for tests."""
        if isinstance(self.clock, ManualClock):
            self.clock.advance(seconds)
        elif self.on_sqlite:
            raise TypeError("time on SQLite is its clock's: give the database a ManualClock to set it forward")
        if not self.on_sqlite:
            with self.transaction() as tx:
                tx.execute(text("UPDATE aloft_clock SET shift_us = shift_us + :us"), {"us": round(seconds * SECOND)})

    def close(self) -> None:
        """Give back every connection."""
        self.engine.dispose()
