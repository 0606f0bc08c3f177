"""Campaigns, images, batches, tasks, annotations, vendors and keys."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "label_store_0001"
down_revision = None
branch_labels = ("label_store",)
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    _campaigns()
    _batches()
    _tasks()
    _principals()


def _text(name: str, *, key: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text, primary_key=key, nullable=False)


def _texts(*names: str) -> list[sa.Column[Any]]:
    return [_text(name) for name in names]


def _number(name: str, *, key: bool = False, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger, primary_key=key, nullable=null, autoincrement=False)


def _numbers(*names: str) -> list[sa.Column[Any]]:
    return [_number(name) for name in names]


def _flag(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Boolean, nullable=False)


def _json(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.JSON(none_as_null=True), nullable=null)


def _partial(name: str, table: str, columns: list[str], where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, postgresql_where=condition, sqlite_where=condition)


def _campaigns() -> None:
    op.create_table(
        "campaigns",
        _text("id", key=True),
        sa.Column("spec", sa.LargeBinary, nullable=False),
        *_texts("state", "state_reason", "state_by"),
        *_numbers("state_since_us", "version", "label_revision", "newest_batch"),
        _number("open_batch", null=True),
        _flag("evaluating"),
        *_numbers("labelled_images", "annotations", "promoted_version", "created_us", "updated_us"),
        sa.CheckConstraint("state IN ('paused', 'running', 'stopped')", name="campaigns_state_known"),
    )
    op.create_table(
        "images",
        _text("campaign", key=True),
        _text("id", key=True),
        *_texts("key", "object_etag"),
        _number("size"),
        sa.Column("split", sa.SmallInteger, nullable=False),
        _number("version"),
        *_texts("quarantine_reason", "quarantine_detail"),
        _flag("skipped"),
        _number("batch", null=True),
        *_numbers("copied_version", "label_set_version", "label_revision"),
        _json("verdicts", null=True),
        _number("created_us"),
    )
    op.create_table(
        "imports",
        _text("job", key=True),
        _text("after"),
        *_numbers("registered", "known", "missing", "refused", "labelled"),
        _json("missing_keys"),
        _json("problems"),
    )
    op.create_table(
        "scores",
        _text("campaign", key=True),
        _number("version", key=True),
        sa.Column("score", sa.Double, nullable=False),
        _flag("promoted"),
    )


def _batches() -> None:
    op.create_table(
        "batches",
        _text("campaign", key=True),
        _number("number", key=True),
        _text("close_reason"),
        _number("model_version"),
        *_texts("ranking", "strategy"),
        *_numbers("selected_images", "accepted_images"),
        *_numbers("labelled_images", "skipped_images", "superseded_images"),
        _number("close_at_us", null=True),
        _number("created_us"),
        _number("closed_us", null=True),
    )
    _partial("batches_to_close", "batches", ["close_at_us"], "close_reason = '' AND close_at_us IS NOT NULL")
    op.create_table(
        "batch_images",
        _text("campaign", key=True),
        _number("batch", key=True),
        _text("image", key=True),
        _text("outcome"),
    )


def _tasks() -> None:
    op.create_table(
        "tasks",
        _text("campaign", key=True),
        _text("id", key=True),
        _number("batch"),
        *_texts("image", "state", "vendor", "annotator", "lease"),
        *_numbers("lease_until_us", "leased_us"),
        _flag("final"),
        _text("skip_reason"),
        _number("created_us"),
        _number("ended_us", null=True),
        sa.CheckConstraint("state IN ('open', 'done', 'skipped', 'withdrawn')", name="tasks_state_known"),
    )
    _partial("tasks_open", "tasks", ["campaign", "batch", "image"], "state = 'open'")
    _partial("tasks_held", "tasks", ["vendor", "lease_until_us"], "state = 'open'")
    _partial("tasks_by_expiry", "tasks", ["lease_until_us"], "state = 'open'")
    op.create_index("tasks_by_image", "tasks", ["campaign", "image", "vendor"])
    _partial("tasks_skipped", "tasks", ["campaign", "vendor"], "state = 'skipped'")
    op.create_table(
        "expired_leases",
        _text("campaign", key=True),
        _text("task", key=True),
        _text("lease", key=True),
        _text("vendor"),
    )
    op.create_index("expired_leases_by_vendor", "expired_leases", ["campaign", "vendor"])
    op.create_table(
        "annotations",
        _text("campaign", key=True),
        _text("task", key=True),
        *_texts("image", "vendor", "annotator", "lease"),
        _json("verdicts"),
        *_numbers("taxonomy_version", "submitted_us"),
    )
    op.create_index("annotations_by_vendor", "annotations", ["campaign", "vendor"])


def _principals() -> None:
    op.create_table(
        "vendors", _text("id", key=True), _text("display_name"), *_numbers("max_leases", "created_us")
    )
    op.create_table("vendor_campaigns", _text("vendor", key=True), _text("campaign", key=True))
    op.create_table(
        "api_keys",
        _text("id", key=True),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        _text("principal"),
        _number("created_us"),
        _number("expire_us", null=True),
    )
    op.create_index("api_keys_by_principal", "api_keys", ["principal", "id"])
