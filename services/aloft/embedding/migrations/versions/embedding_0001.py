"""Campaigns, images, promoted versions, shards with their rows and logits, and the manifests announced."""

import sqlalchemy as sa
from alembic import op

revision = "embedding_0001"
down_revision = None
branch_labels = ("embedding",)
depends_on = None


def _text(name: str, *, key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, primary_key=key, nullable=False)


def _number(name: str, *, key: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, primary_key=key, nullable=False, autoincrement=False)


def upgrade() -> None:
    """Every primary key begins with the campaign: one campaign's size is nothing to another."""
    op.create_table(
        "campaigns",
        _text("id", key=True),
        _number("version"),
        sa.Column("spec", sa.JSON, nullable=False),
        sa.Column("strategy", sa.JSON, nullable=False),
        _number("known_us"),
    )
    op.create_table(
        "images",
        _text("campaign", key=True),
        _text("id", key=True),
        _text("object_key"),
        _text("etag"),
        _number("version"),
        sa.Column("in_pool", sa.Boolean, nullable=False),
        _text("quarantined"),
    )
    op.create_table(
        "models",
        _text("campaign", key=True),
        _number("version", key=True),
        _text("architecture"),
        _text("artefact_key"),
        _text("artefact_digest"),
        _text("backbone"),
        _number("feature_size"),
        sa.Column("labels", sa.JSON, nullable=False),
        sa.Column("loss_head", sa.Boolean, nullable=False),
        _number("mask_seed"),
        _number("known_us"),
        _text("unusable"),
        _number("unusable_us"),
    )
    _features()
    op.create_table(
        "pools",
        _text("campaign", key=True),
        _number("generation", key=True),
        _number("version"),
        _text("object_key"),
        _text("digest"),
        _number("images"),
        _number("announced_us"),
    )


def _features() -> None:
    op.create_table(
        "shards",
        _text("campaign", key=True),
        _text("backbone", key=True),
        _number("part", key=True),
        _text("object_key"),
        _text("digest"),
        _number("images"),
        _number("features_at"),
    )
    op.create_table(
        "features",
        _text("campaign", key=True),
        _text("backbone", key=True),
        _text("image", key=True),
        _number("image_version", key=True),
        _number("part"),
        _number("row_number"),
    )
    op.create_table(
        "logits",
        _text("campaign", key=True),
        _number("version", key=True),
        _number("part", key=True),
        _text("features_digest"),
        _text("object_key"),
        _text("digest"),
        sa.Column("columns", sa.JSON, nullable=False),
    )
