"""What calls with a `request_id` returned, so that a repeat returns it too."""

from alembic import op
from sqlalchemy import BigInteger, Column, LargeBinary, Text

revision = "requests_0001"
down_revision = None
branch_labels = ("requests",)
depends_on = None


def upgrade() -> None:
    """One row a request, of its caller; the index is for pruning."""
    op.create_table(
        "requests",
        Column("principal", Text, primary_key=True),
        Column("request_id", Text, primary_key=True),
        Column("digest", LargeBinary, nullable=False),
        Column("response", LargeBinary),
        Column("created_us", BigInteger, nullable=False),
    )
    op.create_index("requests_by_age", "requests", ["created_us"])
