"""`aloft serve SERVICE` and `aloft up`. They alone load what runs a service: clients start quicker."""

from pathlib import Path
from typing import Annotated

import typer

from aloft.cli.connection import PORTS
from aloft.cli.services import LABEL_STORE, NAMES


def serve(service: Annotated[str, typer.Argument(help=f"One of {', '.join(NAMES)}.")]) -> None:
    """Run one service until SIGTERM or Ctrl-C. Its settings: `aloft settings SERVICE`."""
    from aloft.cli.running import run_one

    run_one(service)


def up(
    data_dir: Annotated[Path, typer.Option(help="Folder of everything that is kept.")] = Path("aloft-data"),
    port: Annotated[
        int, typer.Option(help="First of four ports; metrics are 10 above it, the images' URLs 20.")
    ] = PORTS[LABEL_STORE],
) -> None:
    """Run all four services in this process, embedded: SQLite and folders, no server. Ctrl-C stops it."""
    from aloft.cli.running import run_embedded

    run_embedded(data_dir, port)
