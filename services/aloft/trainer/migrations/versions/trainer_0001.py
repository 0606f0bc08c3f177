"""Campaigns and what is learned from, runs, model versions, and what is to be served and is."""

import sqlalchemy as sa
from alembic import op

revision = "trainer_0001"
down_revision = None
branch_labels = ("trainer",)
depends_on = None


def _text(name: str, *, key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, primary_key=key, nullable=False)


def _texts(*names: str) -> list[sa.Column[str]]:
    return [_text(name) for name in names]


def _number(name: str, *, key: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, primary_key=key, nullable=False, autoincrement=False)


def _numbers(*names: str) -> list[sa.Column[int]]:
    return [_number(name) for name in names]


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False)


def _documents(*names: str) -> list[sa.Column[object]]:
    return [sa.Column(name, sa.JSON, nullable=False) for name in names]


def upgrade() -> None:
    """Each primary key begins with the campaign."""
    _what_is_learned_from()
    _what_is_made()
    _what_is_served()


def _what_is_learned_from() -> None:
    op.create_table(
        "campaigns",
        _text("id", key=True),
        _number("version"),
        _text("state"),
        *_documents("spec", "base", "training", "gate", "labels"),
        _text("strategy"),
        *_numbers("evaluation_images", "newest_version"),
        *_numbers("applied_revision", "wanted_revision", "covered_revision"),
        _flag("evaluation_closed"),
        _number("heard_us"),
    )
    op.create_table("early_revisions", _text("campaign", key=True), _number("revision", key=True))
    op.create_table(
        "images",
        _text("campaign", key=True),
        _text("id", key=True),
        *_texts("object_key", "etag"),
        _number("version"),
        _flag("in_pool"),
        _text("quarantined"),
    )
    op.create_table(
        "label_sets",
        _text("campaign", key=True),
        _text("image", key=True),
        _number("version", key=True),
        _number("revision"),
        _text("split"),
        *_documents("positive", "unsure"),
    )


def _what_is_made() -> None:
    op.create_table(
        "runs",
        _text("campaign", key=True),
        _number("version", key=True),
        *_texts("job", "kind"),
        *_documents("base", "training"),
        *_numbers("label_revision", "parent"),
        *_texts("snapshot_key", "snapshot_digest", "checkpoint_key"),
        _number("created_us"),
    )
    op.create_table(
        "models",
        _text("campaign", key=True),
        _number("version", key=True),
        *[_flag(name) for name in ("base", "promoted")],
        *_texts("architecture", "artefact_key", "artefact_digest", "backbone"),
        _number("feature_size"),
        _text("card_key"),
        _number("label_revision"),
        *_documents("metrics", "labels"),
        _flag("loss_head"),
        *_texts("archive_key", "archive_digest", "gate_failure"),
        sa.Column("score", sa.Float(53)),
        *_numbers("parent", "created_us"),
    )


def _what_is_served() -> None:
    op.create_table(
        "desired_servings",
        _text("campaign", key=True),
        *_numbers("version", "generation"),
        *_texts("archive_key", "archive_digest"),
        _number("changed_us"),
    )
    op.create_table(
        "servings",
        _text("campaign", key=True),
        _text("pod", key=True),
        *_numbers("version", "generation"),
        *_texts("digest", "state", "error"),
        _number("reported_us"),
    )
