"""SQLAlchemy engines set up alike: the schema on the search path, `aloft_now()` for time, SQLite in WAL."""

import sqlite3
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url

from aloft.kit.clock import Clock

_READ_ONLY: dict[str, Any] = {"aloft_reads": True}
_POSTGRES_READ_ONLY = {**_READ_ONLY, "isolation_level": "REPEATABLE READ", "postgresql_readonly": True}

_SESSION = {
    # A process that is frozen inside a transaction must not keep its row locks from everybody else.
    "idle_in_transaction_session_timeout": "60s",
}
_SOCKET = {"connect_timeout": 10, "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}


def create(url: str, schema: str, clock: Clock, pool_size: int) -> Engine:
    """Make an engine for `postgresql+psycopg://…` or `sqlite:///…`."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed, clock, pool_size)
    if parsed.drivername != "postgresql+psycopg":
        raise ValueError(
            f"database url: {parsed.drivername} is not served; use postgresql+psycopg:// or sqlite:///"
        )
    options = {"search_path": schema, **_SESSION}
    return create_engine(
        parsed,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        connect_args={
            "options": " ".join(f"-c {name}={value}" for name, value in options.items()),
            "application_name": f"aloft-{schema}",
            **_SOCKET,
        },
    )


def connect_to_read(engine: Engine) -> Connection:
    """Open a connection whose transaction sees one snapshot and can change nothing."""
    sqlite = engine.dialect.name == "sqlite"
    return engine.connect().execution_options(**(_READ_ONLY if sqlite else _POSTGRES_READ_ONLY))


def _sqlite(url: URL, clock: Clock, pool_size: int) -> Engine:
    if not url.database or url.database == ":memory:":
        raise ValueError(
            "database url: SQLite in memory is one connection's own; name a file, sqlite:///path"
        )
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        connect_args={"check_same_thread": False, "timeout": 30},
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: Any) -> None:
        # SQLAlchemy's begin event decides how a transaction starts; the driver must not start one by itself.
        connection.isolation_level = None
        connection.create_function("aloft_now", 0, clock.now)
        for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        reads = connection.get_execution_options().get("aloft_reads", False)
        connection.exec_driver_sql(f"PRAGMA query_only = {int(reads)}")
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return engine
