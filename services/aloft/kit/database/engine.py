"""SQLAlchemy engines set up alike: the schema on the search path, `aloft_now()` for time, SQLite in WAL."""

import sqlite3
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url

from aloft.kit.clock import Clock


def create(url: str, schema: str, clock: Clock, pool_size: int) -> Engine:
    """Make an engine for `postgresql+psycopg://…` or `sqlite:///…`."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(url, clock)
    if parsed.drivername != "postgresql+psycopg":
        raise ValueError(f"database url: {parsed.drivername} is not served; use postgresql+psycopg:// or sqlite:///")
    return create_engine(
        parsed,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        connect_args={"options": f"-c search_path={schema}", "application_name": f"aloft-{schema}"},
    )


def _sqlite(url: str, clock: Clock) -> Engine:
    engine = create_engine(url, connect_args={"check_same_thread": False, "timeout": 30})

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: Any) -> None:
        # SQLAlchemy's begin event decides how a transaction starts; the driver must not start one by itself.
        connection.isolation_level = None
        connection.create_function("aloft_now", 0, clock.now)
        for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("aloft_isolation", "write") == "write"
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
