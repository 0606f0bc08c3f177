"""One database per service, PostgreSQL in production and SQLite embedded, behind the same few verbs."""

from aloft.kit.database.database import Database, Transaction, Transactions
from aloft.kit.database.migrate import migrate, pending
from aloft.kit.database.provision import provision

__all__ = ["Database", "Transaction", "Transactions", "migrate", "pending", "provision"]
