"""One database per service, PostgreSQL in production and SQLite embedded, behind the same few verbs."""

from aloft.kit.database.database import Database, Isolation, Transaction
from aloft.kit.database.migrate import migrate, pending
from aloft.kit.database.provision import provision

__all__ = ["Database", "Isolation", "Transaction", "migrate", "pending", "provision"]
