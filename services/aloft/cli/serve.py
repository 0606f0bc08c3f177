"""`aloft serve SERVICE` and `aloft up`. They alone load what runs a service: clients start quicker."""

from pathlib import Path
from typing import Annotated

import typer

from aloft.cli.connection import PORTS
from aloft.cli.services import LABEL_STORE, RUN


def serve(service: Annotated[str, typer.Argument(help=f"One of {', '.join(RUN)}.")]) -> None:
    """Run one service until SIGTERM or Ctrl-C. Its settings: `aloft settings SERVICE`."""
    from aloft.cli.running import run_one

    run_one(service)


def up(
    data_dir: Annotated[Path, typer.Option(help="Folder of everything that is kept.")] = Path("aloft-data"),
    port: Annotated[
        int, typer.Option(help="First of five ports; metrics are 10 above it, the images' URLs 20.")
    ] = PORTS[LABEL_STORE],
) -> None:
    """Run all services and the serving agent in this process, embedded: SQLite and folders, no server."""
    from aloft.cli.running import run_embedded

    run_embedded(data_dir, port)
