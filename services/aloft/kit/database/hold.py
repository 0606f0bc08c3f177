"""Locks held across transactions, given back when the holder ends, however it ends."""

import fcntl
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

log = logging.getLogger(__name__)


@contextmanager
def hold_session(engine: Engine, name: str) -> Iterator[bool]:
    """Try for an advisory lock that lives as long as a PostgreSQL session of its own."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        take = text("SELECT pg_try_advisory_lock(hashtextextended(:name, 0))")
        taken = bool(connection.execute(take, {"name": name}).scalar_one())
        try:
            yield taken
        finally:
            if taken:
                _give_back(connection, name)


def _give_back(connection: Connection, name: str) -> None:
    try:
        connection.execute(text("SELECT pg_advisory_unlock(hashtextextended(:name, 0))"), {"name": name})
    except DBAPIError as error:
        # The lock went with its session, as it does when a holder is killed: what it guards bears that.
        if not error.connection_invalidated:
            connection.invalidate()
            raise
        log.warning("the connection that held %s was lost, and the lock with it", name)


@contextmanager
def hold_file(database: str, name: str) -> Iterator[bool]:
    """Try for a lock on a file beside a SQLite database, given back when the process ends."""
    with Path(f"{database}.{quote(name, safe='')}.hold").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
