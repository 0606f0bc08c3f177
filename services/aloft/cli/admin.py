"""`aloft admin`: what is done once, next to the label store's own database."""

from pathlib import Path
from typing import Annotated

import typer

from aloft.cli.output import refusals
from aloft.cli.services import LABEL_STORE, app_of

app = typer.Typer(no_args_is_help=True, help="What is done once, with the label store's settings at hand.")


@app.callback()
def admin() -> None:
    """Keep `bootstrap` a subcommand."""


@app.command()
def bootstrap(
    data_dir: Annotated[Path, typer.Option(help="Folder of the embedded label store.")] = Path("aloft-data"),
) -> None:
    """Make the first administrator's key, once, and print it: nothing shows it again."""
    from aloft.cli.running import settings_of
    from aloft.kit.ports import open_database

    settings = settings_of(LABEL_STORE, data_dir=data_dir)
    database = open_database(settings)
    try:
        with refusals():
            print(app_of(LABEL_STORE).bootstrap(settings, database))
    finally:
        database.close()
