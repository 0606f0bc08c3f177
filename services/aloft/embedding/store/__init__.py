"""What embedding remembers, as SQL that PostgreSQL and SQLite both speak."""
