"""`aloft bench`: what Aloft costs beside the bare minimum, measured in the same run."""

import json as json_module
from enum import StrEnum
from typing import Annotated

import typer

from aloft.cli.connection import Json
from aloft.cli.output import err, out, rows


class Bench(StrEnum):
    """The benches that there are."""

    BUS = "bus"


def bench(
    name: Annotated[Bench, typer.Argument(help="What is measured.")],
    kafka: Annotated[
        str | None, typer.Option(help="host:port of a broker; by default one is started.")
    ] = None,
    postgres: Annotated[
        str | None, typer.Option(help="URL of somebody who may create databases; by default one is started.")
    ] = None,
    json: Json = False,
) -> None:
    """Measure on real servers, those named or, in a checkout, its own; print one JSON object with --json."""
    try:
        from aloft.bench.bus import run
    except ModuleNotFoundError as missing:
        raise typer.BadParameter(
            f"the benches need the package {missing.name}: install aloft[bench]"
        ) from missing

    try:
        found = run(kafka=kafka, postgres=postgres)
    except RuntimeError as refusal:
        err.print(f"[red]no servers[/red] {refusal}")
        raise typer.Exit(1) from refusal
    if json:
        print(json_module.dumps(found))
        return
    for section in ("size", "figures", "ratios"):
        rows(
            f"{name} {section}",
            ("what", "value"),
            [{"what": k, "value": v} for k, v in found[section].items()],
            False,
        )
    out.print(f"on {found['machine']['cores']} cores of {found['machine']['cpu']}")
