"""The tables of the trainer. The migration makes what is declared here."""

import sqlalchemy as sa

METADATA = sa.MetaData()

NOW = sa.select(sa.func.aloft_now(type_=sa.BigInteger)).scalar_subquery()
"""The database's time, read once a statement."""


def _text(name: str, *, key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, primary_key=key, nullable=False)


def _number(name: str, *, key: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, primary_key=key, nullable=False, autoincrement=False)


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False)


campaigns = sa.Table(
    "campaigns",
    METADATA,
    _text("id", key=True),
    _number("version"),
    _flag("running"),
    sa.Column("spec", sa.JSON, nullable=False),
    sa.Column("base", sa.JSON, nullable=False),
    _number("newest_version"),
)

runs = sa.Table(
    "runs",
    METADATA,
    _text("campaign", key=True),
    _number("version", key=True),
    _text("job"),
    sa.Column("base", sa.JSON, nullable=False),
    _number("created_us"),
)

models = sa.Table(
    "models",
    METADATA,
    _text("campaign", key=True),
    _number("version", key=True),
    _flag("base"),
    _flag("promoted"),
    _text("architecture"),
    _text("artefact_key"),
    _text("artefact_digest"),
    _text("backbone"),
    _number("feature_size"),
    _text("card_key"),
    _number("label_revision"),
    sa.Column("metrics", sa.JSON, nullable=False),
    _number("created_us"),
)
