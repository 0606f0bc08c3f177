"""What the trainer remembers, as SQL that PostgreSQL and SQLite both speak."""
