"""The tables of acquisition. Times are microseconds; the migration makes what is declared here."""

import sqlalchemy as sa

from aloft.kit.database.columns import flag, number, words

METADATA = sa.MetaData()


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


campaigns = sa.Table(
    "campaigns",
    METADATA,
    words("id", key=True),
    number("version"),  # of the campaign, as the label store counts it
    words("state"),
    words("state_reason"),
    number("state_us"),  # since when it has been in this state
    words("strategy"),
    sa.Column("seed", Seed, nullable=False),
    number("batch_size"),
    words("terms"),  # what else of it, when changed, can make the label store accept what it did not
    number("applied_revision", default=0),
    number("named_revision", default=0),
    number("training_revision", default=0),
    number("training_batch", default=0),
    number("changes", default=0),
    sa.Column("exhausted_at", sa.BigInteger),
)

versions = sa.Table(
    "versions",
    METADATA,
    words("campaign", key=True),
    number("version", key=True),
    flag("promoted"),
    flag("base"),
    words("gate_failure"),
    number("label_revision"),
    number("published_us"),
)

pools = sa.Table(
    "pools",
    METADATA,
    words("campaign", key=True),
    number("version", key=True),
    number("generation"),
    number("images"),
    words("manifest_key"),
    words("manifest_digest"),
)

rankings = sa.Table(
    "rankings",
    METADATA,
    words("campaign", key=True),
    number("number", key=True),
    words("id"),
    number("version"),
    number("generation"),
    words("strategy"),
    sa.Column("seed", Seed, nullable=False),
    number("images"),
    number("left_out"),
    words("key"),
    words("digest"),
    words("manifest_key"),
    words("manifest_digest"),
    number("label_revision"),
    number("created_us"),
    sa.Index("rankings_by_id", "campaign", "id"),
)

batches = sa.Table(
    "batches",
    METADATA,
    words("campaign", key=True),
    number("number", key=True),
    number("version", default=0),
    words("ranking", default=""),
    words("strategy", default=""),
    sa.Column("seed", Seed, nullable=False, default=0),
    number("images", default=0),
    words("shortfall", default=""),
    number("changes", default=0),
    flag("closed"),
    words("reason", default=""),
    number("created_us"),
    sa.Column("closed_us", sa.BigInteger),
)

picks = sa.Table(
    "picks",
    METADATA,
    words("campaign", key=True),
    number("batch", key=True),
    number("place", key=True),  # from 1, in the order in which they were chosen
    words("image"),
    sa.Column("score", sa.Double, nullable=False),
    number("cluster"),
    words("why"),
    sa.Index("picks_by_image", "campaign", "image"),
)

images = sa.Table(
    "images",
    METADATA,
    words("campaign", key=True),
    words("image", key=True),
    number("label_set_version", default=0),  # 0: it has no label
    number("labelled_revision", default=0),  # the first label revision that labelled it
    flag("held_out"),  # its newest label set is for judging versions, and none learns from it
    sa.Column("batch", sa.BigInteger),  # the one it is, or was labelled, out with
    flag("skipped"),
    number("version", default=0),  # as it was last registered, where that is not the first time
    flag("left_pool"),
    number("quarantined_version", default=0),  # 0: none was
    sa.Index("images_by_batch", "campaign", "batch"),
    sa.Index("images_by_revision", "campaign", "labelled_revision", "held_out"),
)

positives = sa.Table(
    "positives",
    METADATA,
    words("campaign", key=True),
    words("image", key=True),
    words("label", key=True),  # one that the newest label set of an image says it has, held-out ones apart
    sa.Index("positives_by_label", "campaign", "label"),
)

refusals = sa.Table(
    "refusals",
    METADATA,
    words("campaign", key=True),
    number("version"),
    number("generation"),
    words("strategy"),
    words("why"),  # what of this version's pool the strategy cannot do without
)

early_revisions = sa.Table(
    "early_revisions",
    METADATA,
    words("campaign", key=True),
    number("revision", key=True),
)
