"""What an administrator does once on PostgreSQL: a role and a schema of its own for each service."""

import re

from sqlalchemy import Connection, create_engine, make_url, text

_NAME = re.compile(r"^[a-z][a-z0-9_]{0,62}$")


def provision(admin_url: str, schema: str, password: str, *, role: str = "") -> str:
    """Make the role and the schema if they are not there, and say the service's own url. Safe to repeat.

    The role is called as the schema is, unless it gets a name of its own: roles are the whole server's.
    """
    role = role or schema
    for what, name in (("schema", schema), ("role", role)):
        if not _NAME.match(name):
            raise ValueError(
                f"{what} {name!r}: use lower-case letters, digits and _, beginning with a letter"
            )
    engine = create_engine(admin_url)
    try:
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('aloft provision', 0))"))
            _role(connection, role, password)
            connection.exec_driver_sql(f'CREATE SCHEMA IF NOT EXISTS "{schema}" AUTHORIZATION "{role}"')
    finally:
        engine.dispose()
    return make_url(admin_url).set(username=role, password=password).render_as_string(hide_password=False)


def _role(connection: Connection, name: str, password: str) -> None:
    known = connection.execute(text("SELECT 1 FROM pg_roles WHERE rolname = :name"), {"name": name}).first()
    quoted = connection.execute(text("SELECT quote_literal(:password)"), {"password": password}).scalar_one()
    verb = "ALTER" if known else "CREATE"
    connection.exec_driver_sql(f'{verb} ROLE "{name}" LOGIN PASSWORD {quoted}'.replace("%", "%%"))
    member = connection.execute(
        text("SELECT pg_has_role(current_user, :name, 'MEMBER')"), {"name": name}
    ).scalar_one()
    if not member:
        # A managed server's administrator is no superuser, and must be a member to give the role a schema.
        connection.exec_driver_sql(f'GRANT "{name}" TO CURRENT_USER')
