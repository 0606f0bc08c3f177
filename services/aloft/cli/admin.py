"""`aloft admin`: what is done once, next to the databases."""

import json as json_module
import secrets
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from aloft.cli.connection import Json
from aloft.cli.databases import opened
from aloft.cli.output import err
from aloft.cli.services import LABEL_STORE, NAMES, app_of

app = typer.Typer(no_args_is_help=True, help="What is done once, next to the databases.")


@app.command()
def bootstrap(
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder of the embedded label store; by default by settings.")
    ] = None,
) -> None:
    """Make the first administrator's key, once, and print it: nothing shows it again."""
    with opened(LABEL_STORE, data_dir) as (settings, database):
        print(app_of(LABEL_STORE).bootstrap(settings, database))


@app.command()
def provision(
    admin_url: Annotated[
        str,
        typer.Option(
            envvar="ALOFT_ADMIN_URL",
            help="postgresql://user:password@host:port/database of somebody who may create roles.",
        ),
    ],
    service: Annotated[
        list[str] | None, typer.Option(help=f"Only this one of {', '.join(NAMES)}; repeat it.")
    ] = None,
    json: Json = False,
) -> None:
    """Make a role and a schema for each service on PostgreSQL, and print each one's ALOFT_DATABASE__URL.

    Run again, it gives the roles new passwords: a running service goes on until it connects anew.
    """
    from sqlalchemy.exc import SQLAlchemyError

    from aloft.kit.database.provision import provision as make

    urls = {}
    for name in service or NAMES:
        if name not in NAMES:
            raise typer.BadParameter(f"{name!r} is no service: use one of {', '.join(NAMES)}")
        try:
            urls[name] = make(through_psycopg(admin_url), name.replace("-", "_"), secrets.token_urlsafe(24))
        except (SQLAlchemyError, ValueError) as refusal:
            cause = getattr(refusal, "orig", None) or refusal
            err.print(f"[red]{name} was not provisioned[/red] {escape(str(cause))}", soft_wrap=True)
            raise typer.Exit(1) from refusal
    if json:
        print(json_module.dumps(urls))
        return
    for name, url in urls.items():
        print(f"# {name}\nALOFT_DATABASE__URL={url}")


def through_psycopg(url: str) -> str:
    """Have SQLAlchemy open a PostgreSQL URL, as other programs write it, with the driver that is here."""
    scheme, separator, rest = url.partition("://")
    return f"postgresql+psycopg{separator}{rest}" if scheme in ("postgres", "postgresql") else url
