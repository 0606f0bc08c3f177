"""`aloft strategies`: what an expression of a strategy may be made of."""

import typer

from aloft.api.acquisition.v1 import acquisition_service_pb2 as api
from aloft.api.acquisition.v1.acquisition_service_pb2_grpc import AcquisitionServiceStub
from aloft.cli.connection import Json, connection
from aloft.cli.output import entries, out
from aloft.cli.pages import pages

app = typer.Typer(no_args_is_help=True, help="Strategies: how the images of a batch are chosen.")


@app.callback()
def strategies() -> None:
    """Keep `list` a subcommand."""


@app.command("list")
def list_(json: Json = False) -> None:
    """List what a strategy may be made of: what each part does, reads and costs."""
    with connection().to("acquisition") as opened:
        found = list(pages(AcquisitionServiceStub(opened).ListStrategies, api.ListStrategiesRequest()))
    items = [
        {
            "name": one.name,
            "kind": api.StrategyPart.Kind.Name(one.kind).removeprefix("KIND_").lower(),
            "summary": one.summary,
            "parameters": [f"{each.name}={each.default_value:g}" for each in one.parameters],
            "needs": list(one.needs),
            "cost": one.cost,
            "package": one.package,
        }
        for page in found
        for one in page.strategies
    ]
    columns = ("kind", "parameters", "needs", "cost", "package")
    entries("Strategies", "name", columns, "summary", items, json)
    if not json:
        out.print(f"A campaign that names none uses {found[0].default_expression}.")
