"""What the label store remembers, in SQL for PostgreSQL and SQLite: one module for each kind of row."""
