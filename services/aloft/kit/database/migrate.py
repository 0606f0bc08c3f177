"""Bring a schema to what the code expects: the kit's tables and the service's, each a branch of Alembic's."""

import threading
from importlib.resources import files

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from aloft.kit.database.database import Database

_KIT = "aloft.kit.database.migrations"
_ALEMBIC = threading.Lock()
"""Alembic keeps its context in module globals: one migration at a time in a process."""


def migrate(database: Database, package: str | None = None) -> None:
    """Apply what is missing, all or nothing; several processes and threads may ask at once.

    `package` holds the service's `migrations/versions`; without it only the kit's own tables are made.
    """
    config = _config(package)
    with _ALEMBIC, database.transaction() as tx:
        tx.lock("migrate")
        config.attributes["connection"] = tx.connection
        command.upgrade(config, "heads")


def pending(database: Database, package: str | None = None) -> set[str]:
    """Name the newest revision of each branch that the code knows and the database does not have."""
    script = ScriptDirectory.from_config(_config(package))
    with database.read() as tx:
        applied = set(MigrationContext.configure(tx.connection).get_current_heads())
    return set(script.get_heads()) - applied


def _config(package: str | None) -> Config:
    home = files(_KIT)
    versions = [str(home / "versions")]
    if package is not None:
        versions.append(str(files(package) / "migrations" / "versions"))
    config = Config()
    # The options are a configparser's: a percent sign in a folder's name would be read as interpolation.
    config.set_main_option("script_location", str(home).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", "\n".join(versions).replace("%", "%%"))
    return config
