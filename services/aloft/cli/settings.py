"""`aloft settings SERVICE`: every setting with its description, value and source, secrets masked."""

from typing import Annotated

import typer

from aloft.cli.connection import Json
from aloft.cli.output import entries, err
from aloft.cli.services import RUN, app_of


def settings(
    service: Annotated[str, typer.Argument(help=f"One of {', '.join(RUN)}.")],
    json: Json = False,
) -> None:
    """Print each setting of a service with its value, where that comes from, and what is allowed."""
    from aloft.kit.settings import SettingsError, describe

    try:
        found = describe(app_of(service).Settings)
    except SettingsError as wrong:
        for problem in wrong.problems:
            err.print(f"[red]{problem}[/red]")
        raise typer.Exit(1) from wrong
    items = [
        {
            "setting": row.name,
            "value": row.value,
            "source": row.source,
            "allowed": row.allowed,
            "description": row.description,
        }
        for row in found
    ]
    columns = ("value", "source", "allowed")
    entries(f"Settings of {service}", "setting", columns, "description", items, json)
