"""What an administrator does once on PostgreSQL: a role and a schema of its own for each service."""

import re

from sqlalchemy import create_engine, make_url, text

_NAME = re.compile(r"^[a-z][a-z0-9_]{0,62}$")


def provision(admin_url: str, schema: str, password: str) -> str:
    """Make the role and the schema if they are not there, and say the service's own url. Safe to repeat."""
    if not _NAME.match(schema):
        raise ValueError(f"schema {schema!r}: use lower-case letters, digits and _, beginning with a letter")
    engine = create_engine(admin_url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            known = connection.execute(text("SELECT 1 FROM pg_roles WHERE rolname = :r"), {"r": schema}).first()
            verb = "ALTER" if known else "CREATE"
            quoted = connection.execute(text("SELECT quote_literal(:p)"), {"p": password}).scalar_one()
            connection.exec_driver_sql(f'{verb} ROLE "{schema}" LOGIN PASSWORD {quoted}'.replace("%", "%%"))
            connection.exec_driver_sql(f'CREATE SCHEMA IF NOT EXISTS "{schema}" AUTHORIZATION "{schema}"')
    finally:
        engine.dispose()
    return make_url(admin_url).set(username=schema, password=password).render_as_string(hide_password=False)
