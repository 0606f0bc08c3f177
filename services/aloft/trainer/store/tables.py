"""The tables of the trainer. The migration makes what is declared here."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from aloft.kit.database import Transaction
from aloft.kit.database.columns import flag, number, words

METADATA = sa.MetaData()


def _document(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.JSON, nullable=False)


campaigns = sa.Table(
    "campaigns",
    METADATA,
    words("id", key=True),
    number("version"),
    words("state"),
    _document("spec"),
    _document("base"),
    _document("training"),
    _document("gate"),
    _document("labels"),
    words("strategy"),
    number("evaluation_images"),
    number("newest_version"),
    number("applied_revision"),
    number("wanted_revision"),
    number("covered_revision"),
    flag("evaluation_closed"),
    number("heard_us"),
)

early_revisions = sa.Table(
    "early_revisions",
    METADATA,
    words("campaign", key=True),
    number("revision", key=True),
)

images = sa.Table(
    "images",
    METADATA,
    words("campaign", key=True),
    words("id", key=True),
    words("object_key"),
    words("etag"),
    number("version"),
    flag("in_pool"),
    words("quarantined"),  # the reason; empty is a usable image
)

label_sets = sa.Table(
    "label_sets",
    METADATA,
    words("campaign", key=True),
    words("image", key=True),
    number("version", key=True),
    number("revision"),
    words("split"),
    _document("positive"),
    _document("unsure"),
)

runs = sa.Table(
    "runs",
    METADATA,
    words("campaign", key=True),
    number("version", key=True),
    words("job"),
    words("kind"),
    _document("base"),
    _document("training"),
    number("label_revision"),
    number("parent"),
    words("snapshot_key"),
    words("snapshot_digest"),
    words("checkpoint_key"),
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
    _document("metrics"),
    _document("labels"),
    flag("loss_head"),
    words("archive_key"),
    words("archive_digest"),
    words("gate_failure"),
    sa.Column("score", sa.Float(53)),
    number("parent"),
    number("created_us"),
)

desired_servings = sa.Table(
    "desired_servings",
    METADATA,
    words("campaign", key=True),
    number("version"),
    number("generation"),
    words("archive_key"),
    words("archive_digest"),
    number("changed_us"),
)

servings = sa.Table(
    "servings",
    METADATA,
    words("campaign", key=True),
    words("pod", key=True),
    number("version"),
    number("generation"),
    words("digest"),
    words("state"),
    words("error"),
    number("reported_us"),
)


def insert(tx: Transaction, table: sa.Table) -> "sqlite.Insert | postgresql.Insert":
    """Begin an insert that can say what a conflict means."""
    return (sqlite.insert if tx.on_sqlite else postgresql.insert)(table)
