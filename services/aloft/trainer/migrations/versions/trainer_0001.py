"""Campaigns, runs and model versions."""

import sqlalchemy as sa
from alembic import op

revision = "trainer_0001"
down_revision = None
branch_labels = ("trainer",)
depends_on = None


def _text(name: str, *, key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, primary_key=key, nullable=False)


def _number(name: str, *, key: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, primary_key=key, nullable=False, autoincrement=False)


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False)


def upgrade() -> None:
    """Each primary key begins with the campaign."""
    op.create_table(
        "campaigns",
        _text("id", key=True),
        _number("version"),
        _flag("running"),
        sa.Column("spec", sa.JSON, nullable=False),
        sa.Column("base", sa.JSON, nullable=False),
        _number("newest_version"),
    )
    op.create_table(
        "runs",
        _text("campaign", key=True),
        _number("version", key=True),
        _text("job"),
        sa.Column("base", sa.JSON, nullable=False),
        _number("created_us"),
    )
    op.create_table(
        "models",
        _text("campaign", key=True),
        _number("version", key=True),
        _flag("base"),
        _flag("promoted"),
        _text("architecture"),
        _text("artefact_key"),
        _text("artefact_digest"),
        _text("backbone"),
        _number("feature_size"),
        _text("card_key"),
        _number("label_revision"),
        sa.Column("metrics", sa.JSON, nullable=False),
        _number("created_us"),
    )
