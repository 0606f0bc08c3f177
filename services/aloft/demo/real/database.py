"""A run's database on PostgreSQL, in it a schema and a role for each service."""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import ClassVar

from sqlalchemy import Connection, create_engine, make_url, text

from aloft.demo.real.part import Refused
from aloft.demo.system import SERVICES
from aloft.kit.database.provision import provision

LOOK_S = 4
"""How long the server may take to answer."""
_RIGHTS = (
    "SELECT current_setting('server_version') AS version, rolsuper OR (rolcreatedb AND rolcreaterole) AS may"
    " FROM pg_roles WHERE rolname = current_user"
)


def schema_of(service: str) -> str:
    """Say what a service calls its schema."""
    return service.replace("-", "_")


class RunDatabase:
    """A database, in which schemas are called as always, and roles, which are the server's, after the run."""

    server = "PostgreSQL"
    needs: ClassVar[Mapping[str, str]] = {
        "ALOFT_ADMIN_URL": "postgresql://user:password@host:port/database, of somebody who may create"
        " databases and roles"
    }

    def __init__(self, admin_url: str, name: str) -> None:
        self._admin_url = admin_url
        self._name = name.replace("-", "_")
        self.urls: dict[str, str] = {}
        """How each service opens it, once it is made."""

    def look(self) -> str:
        """Ask for the version, and whether databases and roles may be made."""
        with self._opened() as connection:
            said = connection.execute(text(_RIGHTS)).one()
        where = make_url(self._admin_url)
        if not said.may:
            raise Refused(
                f"{self.server}: {where.username or 'this user'} may not create databases and roles: name"
                " somebody who may in ALOFT_ADMIN_URL, or ALTER ROLE … CREATEDB CREATEROLE"
            )
        return f"{said.version.split()[0]} at {where.host or 'its socket'}:{where.port or 5432}"

    def make(self) -> None:
        """Create the database, and in it what `aloft admin provision` does."""
        with self._opened() as connection:
            connection.exec_driver_sql(f'CREATE DATABASE "{self._name}"')
        inside = make_url(self._admin_url).set(database=self._name).render_as_string(hide_password=False)
        for service in SERVICES:
            schema = schema_of(service)
            password = secrets.token_urlsafe(24)
            self.urls[service] = provision(inside, schema, password, role=self._role(schema))

    def remove(self) -> None:
        """Drop the database, whoever is connected to it, and then its roles."""
        with self._opened() as connection:
            connection.exec_driver_sql(f'DROP DATABASE IF EXISTS "{self._name}" WITH (FORCE)')
            for service in SERVICES:
                connection.exec_driver_sql(f'DROP ROLE IF EXISTS "{self._role(schema_of(service))}"')

    def _role(self, schema: str) -> str:
        return f"{self._name}_{schema}"

    @contextmanager
    def _opened(self) -> Iterator[Connection]:
        engine = create_engine(
            self._admin_url, isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": LOOK_S}
        )
        try:
            with engine.connect() as connection:
                yield connection
        finally:
            engine.dispose()
