"""PostgreSQL, from the machine's own programs."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import psycopg

from tests.stack import programs
from tests.stack.server import Server, free_port

# Nothing here outlives the machine, so nothing waits for the disk; a killed server still recovers.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "max_connections": "200",
    "timezone": "UTC",
}


def fetch() -> Path:
    """Find PostgreSQL's programs."""
    return programs.postgres_folder()


class Postgres(Server):
    """A database server; `admin_url` opens its first database as its superuser."""

    name = "postgres"
    signal_when_orphaned = "QUIT"  # its children end with it, and it leaves no shared memory behind

    def __init__(self, folder: Path, *, outlives_session: bool = False) -> None:
        super().__init__(folder, outlives_session=outlives_session)
        self._programs = fetch()
        self._port = free_port()
        self.admin_url = self.url("postgres")

    def url(self, database: str) -> str:
        """Say how SQLAlchemy opens a database as the superuser."""
        return f"postgresql+psycopg://postgres@127.0.0.1:{self._port}/{database}"

    def privileges(self) -> Sequence[str]:
        """It refuses to run as root."""
        if os.geteuid() != 0:
            return []
        return ["--reuid=postgres", "--regid=postgres", "--clear-groups"]

    def prepare(self) -> None:
        """Make an empty cluster that belongs to whoever runs it."""
        if self.privileges():
            shutil.chown(self.folder, "postgres", "postgres")
            self.log.touch()
        initdb = [str(self._programs / "initdb"), "-D", "data", "-U", "postgres", "-A", "trust", "--no-sync"]
        initdb += ["-E", "UTF8", "--locale=C.UTF-8"]
        as_whom = ["setpriv", *self.privileges()] if self.privileges() else []
        programs.run_quietly([*as_whom, *initdb], what="Making a PostgreSQL cluster", folder=self.folder)

    def command(self) -> list[str]:
        """Say what to run."""
        options = {**SETTINGS, "port": str(self._port), "unix_socket_directories": str(self.folder)}
        flags = [flag for name, value in options.items() for flag in ("-c", f"{name}={value}")]
        return [str(self._programs / "postgres"), "-D", str(self.folder / "data"), *flags]

    def answers(self) -> bool:
        """Ask whether it takes connections."""
        ask = [str(self._programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self._port)]
        return subprocess.run(ask, check=False).returncode == 0

    def create_database(self, name: str) -> str:
        """Make a database and say how to open it."""
        self._execute(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Remove a database, closing whatever is still connected to it."""
        self._execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    def _execute(self, statement: str) -> None:
        plain = self.admin_url.replace("+psycopg", "")
        with psycopg.connect(plain, autocommit=True) as connection:
            connection.execute(statement.encode())
