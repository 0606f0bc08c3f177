"""The job table as SQL, and its rows as `Job`s."""

import sqlalchemy as sa

from aloft.kit.jobs.job import Job, Progress, State

JOBS = sa.Table(
    "jobs",
    sa.MetaData(),
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
)

NOW = sa.select(sa.func.aloft_now(type_=sa.BigInteger)).scalar_subquery()
"""The time, read once a statement: bare, the function would be called for every row."""

LIVE = sa.text("jobs.state IN ('queued', 'running')")
"""Not ended, word for word as the index has it, so that claiming never reads what is long done."""

FRESH = sa.text("state = 'queued' AND attempts = 0")
"""Queued and never begun: what an equal request joins. The predicate of the unique index, word for word."""


def to_job(row: sa.RowMapping) -> Job:
    """Make a `Job` of a row."""
    values = dict(row)
    del values["number"]
    values["state"] = State(values["state"])
    values["progress"] = Progress(**values["progress"])
    return Job(**values)
