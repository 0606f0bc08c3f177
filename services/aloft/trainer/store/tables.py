"""The tables of the trainer. The migration makes what is declared here."""

import sqlalchemy as sa

from aloft.kit.database.columns import flag, number, words

METADATA = sa.MetaData()


campaigns = sa.Table(
    "campaigns",
    METADATA,
    words("id", key=True),
    number("version"),
    flag("running"),
    sa.Column("spec", sa.JSON, nullable=False),
    sa.Column("base", sa.JSON, nullable=False),
    number("newest_version"),
)

runs = sa.Table(
    "runs",
    METADATA,
    words("campaign", key=True),
    number("version", key=True),
    words("job"),
    sa.Column("base", sa.JSON, nullable=False),
    number("created_us"),
)

models = sa.Table(
    "models",
    METADATA,
    words("campaign", key=True),
    number("version", key=True),
    flag("base"),
    flag("promoted"),
    words("architecture"),
    words("artefact_key"),
    words("artefact_digest"),
    words("backbone"),
    number("feature_size"),
    words("card_key"),
    number("label_revision"),
    sa.Column("metrics", sa.JSON, nullable=False),
    number("created_us"),
)
