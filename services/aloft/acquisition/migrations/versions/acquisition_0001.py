"""Campaigns, versions, pools, rankings, batches and the images that are not free to be selected."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = "acquisition_0001"
down_revision = None
branch_labels = ("acquisition",)
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "campaigns",
        _text("id", key=True),
        *_numbers("version"),
        *_texts("state", "state_reason", "strategy", "seed", "terms"),
        *_numbers("state_us", "batch_size", "changes"),
        *_numbers("applied_revision", "named_revision", "training_revision", "training_batch"),
        sa.Column("exhausted_at", sa.BigInteger),
    )
    op.create_table(
        "versions",
        _text("campaign", key=True),
        _number("version", key=True),
        *_flags("promoted", "base"),
        *_texts("gate_failure"),
        *_numbers("label_revision", "published_us"),
    )
    op.create_table(
        "pools",
        _text("campaign", key=True),
        _number("version", key=True),
        *_numbers("generation", "images"),
        *_texts("manifest_key", "manifest_digest"),
    )
    _rankings()
    _batches()
    _images()


def _images() -> None:
    op.create_table(
        "images",
        _text("campaign", key=True),
        _text("image", key=True),
        *_numbers("label_set_version", "labelled_revision"),
        sa.Column("batch", sa.BigInteger),
        *_flags("held_out", "skipped", "left_pool"),
        *_numbers("version", "quarantined_version"),
    )
    op.create_index("images_by_batch", "images", ["campaign", "batch"])
    op.create_index("images_by_revision", "images", ["campaign", "labelled_revision", "held_out"])
    op.create_table("early_revisions", _text("campaign", key=True), _number("revision", key=True))
    op.create_table(
        "positives", _text("campaign", key=True), _text("image", key=True), _text("label", key=True)
    )
    op.create_index("positives_by_label", "positives", ["campaign", "label"])


def _rankings() -> None:
    op.create_table(
        "rankings",
        _text("campaign", key=True),
        _number("number", key=True),
        *_texts("id"),
        *_numbers("version", "generation"),
        *_texts("strategy", "seed"),
        *_numbers("images", "left_out"),
        *_texts("key", "digest", "manifest_key", "manifest_digest"),
        *_numbers("label_revision", "created_us"),
    )
    op.create_index("rankings_by_id", "rankings", ["campaign", "id"])
    op.create_table(
        "refusals",
        _text("campaign", key=True),
        *_numbers("version", "generation"),
        *_texts("strategy", "why"),
    )


def _batches() -> None:
    op.create_table(
        "batches",
        _text("campaign", key=True),
        _number("number", key=True),
        *_numbers("version"),
        *_texts("ranking", "strategy", "seed"),
        *_numbers("images"),
        *_texts("shortfall"),
        *_numbers("changes"),
        *_flags("closed"),
        *_texts("reason"),
        *_numbers("created_us"),
        sa.Column("closed_us", sa.BigInteger),
    )
    op.create_table(
        "picks",
        _text("campaign", key=True),
        _number("batch", key=True),
        _number("place", key=True),
        *_texts("image", "why"),
        sa.Column("score", sa.Double, nullable=False),
        *_numbers("cluster"),
    )
    op.create_index("picks_by_image", "picks", ["campaign", "image"])


def _text(name: str, *, key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, primary_key=key)


def _number(name: str, *, key: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False, primary_key=key, autoincrement=False)


def _texts(*names: str) -> Sequence[sa.Column[str]]:
    return [_text(name) for name in names]


def _numbers(*names: str) -> Sequence[sa.Column[int]]:
    return [_number(name) for name in names]


def _flags(*names: str) -> Sequence[sa.Column[bool]]:
    return [sa.Column(name, sa.Boolean, nullable=False) for name in names]
