"""Bring a service's schema to what its code expects: the kit's own tables and the service's, as two Alembic branches."""

from importlib.resources import files

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from aloft.kit.database.database import Database

_KIT = "aloft.kit.database.migrations"


def migrate(database: Database, package: str) -> None:
    """Apply what is missing. `package` holds the service's `migrations/versions`; several processes may ask at once."""
    with database.transaction() as tx:
        tx.lock("migrate")
        config = _config(package)
        config.attributes["connection"] = tx.connection
        command.upgrade(config, "heads")


def pending(database: Database, package: str) -> set[str]:
    """Name the revisions that the code knows and the database does not have."""
    script = ScriptDirectory.from_config(_config(package))
    with database.read() as tx:
        applied = set(MigrationContext.configure(tx.connection).get_current_heads())
    return set(script.get_heads()) - applied


def _config(package: str) -> Config:
    home = files(_KIT)
    config = Config()
    config.set_main_option("script_location", str(home))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", f"{home / 'versions'}\n{files(package) / 'migrations' / 'versions'}")
    return config
