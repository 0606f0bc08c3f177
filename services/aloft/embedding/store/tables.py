"""The tables of embedding. The migration makes what is declared here."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from aloft.kit.database import Transaction
from aloft.kit.database.columns import number, words

METADATA = sa.MetaData()


campaigns = sa.Table(
    "campaigns",
    METADATA,
    words("id", key=True),
    number("version"),
    sa.Column("spec", sa.JSON, nullable=False),
    sa.Column("strategy", sa.JSON, nullable=False),
    number("known_us"),
)

images = sa.Table(
    "images",
    METADATA,
    words("campaign", key=True),
    words("id", key=True),
    words("object_key"),
    words("etag"),
    number("version"),
    sa.Column("in_pool", sa.Boolean, nullable=False),
    words("quarantined"),  # the reason; empty is a usable image
)

models = sa.Table(
    "models",
    METADATA,
    words("campaign", key=True),
    number("version", key=True),
    words("architecture"),
    words("artefact_key"),
    words("artefact_digest"),
    words("backbone"),
    number("feature_size"),
    sa.Column("labels", sa.JSON, nullable=False),  # of the head; none of a version without one
    sa.Column("loss_head", sa.Boolean, nullable=False),
    number("mask_seed"),
    number("known_us"),
    words("unusable"),  # what is wrong with the artefact; empty where nothing is known to be
    number("unusable_us"),  # since when
)

shards = sa.Table(
    "shards",
    METADATA,
    words("campaign", key=True),
    words("backbone", key=True),
    number("part", key=True),
    words("object_key"),
    words("digest"),
    number("images"),
    number("features_at"),
)

features = sa.Table(
    "features",
    METADATA,
    words("campaign", key=True),
    words("backbone", key=True),
    words("image", key=True),
    number("image_version", key=True),
    number("part"),
    number("row_number"),
)

logits = sa.Table(
    "logits",
    METADATA,
    words("campaign", key=True),
    number("version", key=True),
    number("part", key=True),
    words("features_digest"),  # of the shard that they are made from
    words("object_key"),
    words("digest"),
    sa.Column("columns", sa.JSON, nullable=False),  # what lies beside the logits, by name
)

pools = sa.Table(
    "pools",
    METADATA,
    words("campaign", key=True),
    number("generation", key=True),
    number("version"),
    words("object_key"),
    words("digest"),
    number("images"),
    number("announced_us"),
)


def insert(tx: Transaction, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    """Begin an insert that can say what becomes of a conflict."""
    return sqlite.insert(table) if tx.on_sqlite else postgresql.insert(table)
