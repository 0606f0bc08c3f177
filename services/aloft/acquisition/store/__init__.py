"""What acquisition remembers, as SQL for PostgreSQL and SQLite: one module for each kind of row."""
