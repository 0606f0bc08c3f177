"""`aloft serve SERVICE` and `aloft up`. They alone load what runs a service: clients start quicker."""

from pathlib import Path
from typing import Annotated

import typer

from aloft.cli.limits import PORT
from aloft.cli.services import LABEL_STORE, RUN


def serve(service: Annotated[str, typer.Argument(help=f"One of {', '.join(RUN)}.")]) -> None:
    """Run one service until SIGTERM or Ctrl-C. Its settings: `aloft settings SERVICE`."""
    from aloft.cli.running import run_one

    run_one(service)


def up(
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder of everything that is kept; by default by settings.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=PORT,
            help="First of five ports, by default by settings; metrics are 10 above it, the images' URLs 20.",
        ),
    ] = None,
) -> None:
    """Run all services and the serving agent in this process, embedded: SQLite and folders, no server."""
    from aloft.cli.running import run_embedded, settings_of

    settings = settings_of(LABEL_STORE)
    first = settings.rpc.port if port is None else port
    if not 1 <= first <= PORT:
        raise typer.BadParameter(f"{first} is not from 1 to {PORT}", param_hint="ALOFT_RPC__PORT")
    folder = settings.data_dir if data_dir is None else data_dir
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as failure:
        raise typer.BadParameter(
            f"{folder} cannot be a folder: {failure.strerror}",
            param_hint="ALOFT_DATA_DIR" if data_dir is None else "--data-dir",
        ) from failure
    run_embedded(folder, first)
