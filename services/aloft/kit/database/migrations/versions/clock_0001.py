"""The one place where SQL reads time."""

from alembic import op

revision = "clock_0001"
down_revision = None
branch_labels = ("clock",)
depends_on = None


def upgrade() -> None:
    """On PostgreSQL the shift is a row that every process sees; on SQLite each connection has a function."""
    if op.get_bind().dialect.name == "sqlite":
        return
    op.execute("CREATE TABLE aloft_clock (shift_us BIGINT NOT NULL)")
    op.execute("INSERT INTO aloft_clock VALUES (0)")
    # A standard SQL body is bound to this schema's table when it is made, whatever the caller's search path.
    op.execute(
        """
        CREATE FUNCTION aloft_now() RETURNS BIGINT LANGUAGE SQL VOLATILE BEGIN ATOMIC
            SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::BIGINT + shift_us FROM aloft_clock;
        END
        """
    )
