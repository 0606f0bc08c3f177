"""The tables of acquisition. Times are microseconds; the migration makes what is declared here."""

import sqlalchemy as sa

METADATA = sa.MetaData()

NOW = sa.select(sa.func.aloft_now(type_=sa.BigInteger)).scalar_subquery()
"""The time, read once a statement: bare, the function would be called for every row."""


class Seed(sa.TypeDecorator[int]):
    """A seed of 64 bits without a sign, which no integer column holds: written in decimal."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: sa.Dialect) -> str | None:
        """Write it."""
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> int | None:
        """Read it."""
        return None if value is None else int(value)


def _text(name: str, *, primary_key: bool = False, default: str | None = None) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, primary_key=primary_key, default=default)


def _number(name: str, *, primary_key: bool = False, default: int | None = None) -> sa.Column[int]:
    return sa.Column(
        name, sa.BigInteger, nullable=False, primary_key=primary_key, default=default, autoincrement=False
    )


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False, default=False)


campaigns = sa.Table(
    "campaigns",
    METADATA,
    _text("id", primary_key=True),
    _number("version"),  # of the campaign, as the label store counts it
    _text("state"),
    _text("state_reason"),
    _text("strategy"),
    sa.Column("seed", Seed, nullable=False),
    _number("batch_size"),
    _text("terms"),  # what else of it, when changed, can make the label store accept what it did not
    _number("applied_revision", default=0),
    _number("named_revision", default=0),
    _number("changes", default=0),
    sa.Column("exhausted_at", sa.BigInteger),
)

versions = sa.Table(
    "versions",
    METADATA,
    _text("campaign", primary_key=True),
    _number("version", primary_key=True),
    _flag("promoted"),
    _number("label_revision"),
    _number("published_us"),
)

pools = sa.Table(
    "pools",
    METADATA,
    _text("campaign", primary_key=True),
    _number("version", primary_key=True),
    _number("generation"),
    _text("manifest_key"),
    _text("manifest_digest"),
)

rankings = sa.Table(
    "rankings",
    METADATA,
    _text("campaign", primary_key=True),
    _number("number", primary_key=True),
    _text("id"),
    _number("version"),
    _number("generation"),
    _text("strategy"),
    sa.Column("seed", Seed, nullable=False),
    _number("images"),
    _number("left_out"),
    _text("key"),
    _text("digest"),
    _text("manifest_key"),
    _text("manifest_digest"),
    _number("label_revision"),
    _number("created_us"),
    sa.Index("rankings_by_id", "campaign", "id"),
)

batches = sa.Table(
    "batches",
    METADATA,
    _text("campaign", primary_key=True),
    _number("number", primary_key=True),
    _number("version", default=0),
    _text("ranking", default=""),
    sa.Column("seed", Seed, nullable=False, default=0),
    _number("images", default=0),
    _text("shortfall", default=""),
    _number("changes", default=0),
    _flag("closed"),
    _text("reason", default=""),
    _number("created_us"),
)

images = sa.Table(
    "images",
    METADATA,
    _text("campaign", primary_key=True),
    _text("image", primary_key=True),
    _number("label_set_version", default=0),  # 0: it has no label
    sa.Column("batch", sa.BigInteger),  # the one it is, or was labelled, out with
    _flag("skipped"),
    _flag("quarantined"),
    sa.Index("images_by_batch", "campaign", "batch"),
)

early_revisions = sa.Table(
    "early_revisions",
    METADATA,
    _text("campaign", primary_key=True),
    _number("revision", primary_key=True),
)
