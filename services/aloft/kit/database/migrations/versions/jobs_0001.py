"""The job table."""

import sqlalchemy as sa
from alembic import op

revision = "jobs_0001"
down_revision = None
branch_labels = ("jobs",)
depends_on = None


def upgrade() -> None:
    """One row a job, with the indexes that claiming, listing and `dedupe` stand on."""
    op.create_table(
        "jobs",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("campaign", sa.Text, nullable=False),
        sa.Column("dedupe", sa.Text),
        sa.Column("payload", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("traceparent", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("worker", sa.Text),
        sa.Column("lease_until_us", sa.BigInteger),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("max_attempts", sa.Integer, nullable=False),
        sa.Column("not_before_us", sa.BigInteger, nullable=False),
        sa.Column("progress", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("result", sa.JSON(none_as_null=True)),
        sa.Column("error", sa.Text),
        sa.Column("cancel_requested", sa.Boolean, nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.Column("started_us", sa.BigInteger),
        sa.Column("ended_us", sa.BigInteger),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')", name="jobs_state_known"
        ),
    )
    live = sa.text("state IN ('queued', 'running')")
    op.create_index("jobs_live", "jobs", ["kind", "number"], postgresql_where=live, sqlite_where=live)
    fresh = sa.text("state = 'queued' AND attempts = 0")
    op.create_index(
        "jobs_dedupe",
        "jobs",
        ["kind", "campaign", "dedupe"],
        unique=True,
        postgresql_where=fresh,
        sqlite_where=fresh,
    )
    op.create_index("jobs_by_campaign", "jobs", ["campaign", "number"])
