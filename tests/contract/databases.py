"""A service's database on each adapter, and other processes that open the same one."""

import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from aloft.kit.clock import ManualClock
from aloft.kit.database import Database, provision

ADAPTERS = ["sqlite", "postgresql"]


@dataclass
class Place:
    """Where one service's data is. `open` gives what another process of the service would see."""

    adapter: str
    url: str
    schema: str
    clock: ManualClock | None
    opened: list[Database] = field(default_factory=list)

    def open(self) -> Database:
        """Open it once more, with connections of its own."""
        database = Database(self.url, schema=self.schema, clock=self.clock, pool_size=4)
        self.opened.append(database)
        return database

    def in_process(self, program: str) -> "subprocess.Popen[str]":
        """Run a program in a process of its own; it finds the database as `database`."""
        opening = f"""
import sys
from aloft.kit.database import Database, migrate, pending
database = Database({self.url!r}, schema={self.schema!r})
"""
        return subprocess.Popen(
            [sys.executable, "-c", opening + program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )


@contextmanager
def place(folder: Path, admin_url: str | None = None) -> Iterator[Place]:
    """Make room for a service of its own, on SQLite or a PostgreSQL server, and clear it away."""
    schema = f"t_{uuid.uuid4().hex[:16]}"
    if admin_url is None:
        here = Place("sqlite", f"sqlite:///{folder / schema}.db", schema, ManualClock())
    else:
        here = Place("postgresql", provision(admin_url, schema, "secret"), schema, None)
    try:
        yield here
    finally:
        for database in here.opened:
            database.close()
        if admin_url is not None:
            execute(admin_url, f"DROP SCHEMA {schema} CASCADE", f"DROP ROLE {schema}")


def execute(url: str, *statements: str) -> None:
    """Run statements as whoever the url says, each by itself."""
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())
