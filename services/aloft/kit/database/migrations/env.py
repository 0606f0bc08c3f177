"""Alembic's entry: runs revisions on the connection that `aloft.kit.database.migrate` opened."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=False)
context.run_migrations()
