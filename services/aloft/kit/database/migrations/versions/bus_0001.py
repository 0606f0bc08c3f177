"""Outbox and inbox. Every hot query reads a partial index that holds only what is not finished."""

import sqlalchemy as sa
from alembic import op

revision = "bus_0001"
down_revision = None
branch_labels = ("bus",)
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables and the indices that keep their queries quick when millions of rows are finished."""
    _outbox()
    _inbox()
    op.create_table(
        "inbox_lanes",
        sa.Column("topic", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("due_us", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("error", sa.Text),
    )
    op.create_index("inbox_lanes_due", "inbox_lanes", ["due_us"])
    op.create_table(
        "rounds",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("batch", sa.BigInteger, primary_key=True),
        sa.Column("traceparent", sa.Text, nullable=False),
    )


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("aggregatetype", sa.Text, nullable=False),
        sa.Column("aggregateid", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("traceparent", sa.Text, nullable=False),
        sa.Column("headers", sa.Text, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.Column("published_us", sa.BigInteger),
    )
    _partial("outbox_unpublished", "outbox", ["id"], "published_us IS NULL")
    _partial("outbox_published", "outbox", ["published_us"], "published_us IS NOT NULL")


def _inbox() -> None:
    op.create_table(
        "inbox",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("event", sa.Text, nullable=False, unique=True),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("headers", sa.Text, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("error", sa.Text),
        sa.Column("received_us", sa.BigInteger, nullable=False),
        sa.Column("finished_us", sa.BigInteger),
        sa.CheckConstraint("state IN ('pending', 'done', 'dead')", name="inbox_state"),
    )
    _partial("inbox_pending", "inbox", ["topic", "key", "id"], "state = 'pending'")
    _partial("inbox_done", "inbox", ["finished_us"], "state = 'done'")
    _partial("inbox_dead", "inbox", ["topic", "id"], "state = 'dead'")


def _partial(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, postgresql_where=sa.text(where), sqlite_where=sa.text(where))
