"""The columns that every service's tables are made of, and the time as a column of a statement."""

from typing import Any

import sqlalchemy as sa

NOW = sa.select(sa.func.aloft_now(type_=sa.BigInteger)).scalar_subquery()
"""The database's time, read once a statement: bare, the function would be called for every row."""


def words(name: str, *, key: bool = False, default: str | None = None) -> sa.Column[str]:
    """Text; where nothing is to be said it is empty."""
    return sa.Column(name, sa.Text, primary_key=key, nullable=False, default=default)


def number(
    name: str, *, key: bool = False, nullable: bool = False, default: int | None = None
) -> sa.Column[Any]:
    """An integer: a count, a version, or a time in microseconds."""
    return sa.Column(
        name, sa.BigInteger, primary_key=key, nullable=nullable, default=default, autoincrement=False
    )


def flag(name: str) -> sa.Column[bool]:
    """Yes or no; no unless it is said."""
    return sa.Column(name, sa.Boolean, nullable=False, default=False)
