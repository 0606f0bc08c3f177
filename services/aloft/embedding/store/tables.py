"""The tables of embedding. The migration makes what is declared here."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from aloft.kit.database import Transaction

METADATA = sa.MetaData()


def _text(name: str, *, key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, primary_key=key, nullable=False)


def _number(name: str, *, key: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, primary_key=key, nullable=False, autoincrement=False)


campaigns = sa.Table(
    "campaigns",
    METADATA,
    _text("id", key=True),
    _number("version"),
    sa.Column("spec", sa.JSON, nullable=False),
)

images = sa.Table(
    "images",
    METADATA,
    _text("campaign", key=True),
    _text("id", key=True),
    _text("object_key"),
    _text("etag"),
    _number("version"),
    sa.Column("in_pool", sa.Boolean, nullable=False),
    _text("quarantined"),  # the reason; empty is a usable image
)

models = sa.Table(
    "models",
    METADATA,
    _text("campaign", key=True),
    _number("version", key=True),
    _text("architecture"),
    _text("artefact_key"),
    _text("artefact_digest"),
    _text("backbone"),
    _number("feature_size"),
)

shards = sa.Table(
    "shards",
    METADATA,
    _text("campaign", key=True),
    _text("backbone", key=True),
    _number("part", key=True),
    _text("object_key"),
    _text("digest"),
    _number("images"),
)

features = sa.Table(
    "features",
    METADATA,
    _text("campaign", key=True),
    _text("backbone", key=True),
    _text("image", key=True),
    _number("image_version", key=True),
    _number("part"),
    _number("row_number"),
)

pools = sa.Table(
    "pools",
    METADATA,
    _text("campaign", key=True),
    _number("version"),
    _number("generation"),
    _text("object_key"),
    _text("digest"),
    _number("images"),
)


def insert(tx: Transaction, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    """Begin an insert that can say what becomes of a conflict."""
    return sqlite.insert(table) if tx.on_sqlite else postgresql.insert(table)
