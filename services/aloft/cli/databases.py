"""A service's database as the commands open it that work next to it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from aloft.cli.output import refusals
from aloft.kit.errors import FailedPrecondition

if TYPE_CHECKING:
    from aloft.kit.database import Database
    from aloft.kit.settings import Settings


@contextmanager
def opened(service: str, data_dir: Path | None) -> Iterator[tuple["Settings", "Database"]]:
    """Open the database that a service's settings name, with these; what is refused ends the command.

    A new file is never made: what is written into one that no service reads is lost on its users.
    """
    from sqlalchemy import make_url

    from aloft.cli.running import settings_of
    from aloft.kit.ports import open_database

    with refusals():
        settings = settings_of(service, **({} if data_dir is None else {"data_dir": data_dir}))
        url = make_url(settings.database.url.get_secret_value())
        if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
            why = (
                f"there is no {url.database}: start the services first (`aloft up`),"
                " or name their folder by --data-dir"
            )
            raise FailedPrecondition("NO_DATABASE", why)
        database = open_database(settings)
        try:
            yield settings, database
        finally:
            database.close()
