"""`aloft bench`: what Aloft costs beside the bare minimum, measured in the same run."""

import json as json_module
from collections.abc import Callable
from typing import Annotated, Any

import typer

from aloft.cli.connection import Json
from aloft.cli.output import err, out, rows
from aloft.cli.progress import telling
from aloft.kit.errors import AloftError

app = typer.Typer(
    no_args_is_help=True,
    help="Measure on real servers, those named or, in a checkout, its own; --json prints one JSON object.",
)


@app.command()
def bus(
    kafka: Annotated[
        str | None, typer.Option(help="host:port of a broker; by default one is started.")
    ] = None,
    postgres: Annotated[
        str | None, typer.Option(help="URL of somebody who may create databases; by default one is started.")
    ] = None,
    json: Json = False,
) -> None:
    """Events from outbox commit to effect committed."""

    def measure() -> dict[str, Any]:
        from aloft.bench.bus import run

        return run(kafka=kafka, postgres=postgres)

    _show(measure, json)


@app.command()
def rerank(
    images: Annotated[int, typer.Option(help="Images of the pool.")] = 1_000_000,
    feature_size: Annotated[int, typer.Option(help="Numbers in the features of an image.")] = 2048,
    labels: Annotated[int, typer.Option(help="Labels of the taxonomy.")] = 19,
    batch: Annotated[int, typer.Option(help="Images of the batch.")] = 1000,
    shard_images: Annotated[int, typer.Option(help="Images of a shard.")] = 4096,
    strategy: Annotated[
        list[str] | None, typer.Option(help="What is measured; repeat it for more. Default: six of them.")
    ] = None,
    features: Annotated[
        str, typer.Option(help="'mixture' (made by code), 'isotropic' (noise), or a .npy file of features.")
    ] = "mixture",
    memory: Annotated[
        bool, typer.Option(help="Measure peak memory at a quarter, a half and all of the images instead.")
    ] = False,
    rounds: Annotated[int, typer.Option(help="How often; medians are told.")] = 3,
    store: Annotated[
        str | None,
        typer.Option(help="http://KEY:SECRET@host:port of an object store; by default MinIO is started."),
    ] = None,
    json: Json = False,
) -> None:
    """Ranking a pool from the object store and selecting a batch, and strategies that take all features."""

    def measure() -> dict[str, Any]:
        from aloft.bench import rerank, rerank_memory
        from aloft.bench.rerank_pool import Size

        size = Size(images, feature_size, labels, batch, shard_images)
        names = strategy or rerank.STRATEGIES
        with telling(err) as tell:
            if memory:
                return rerank_memory.run(
                    size=size, strategies=names, features=features, at=store, progress=tell
                )
            return rerank.run(
                size=size, strategies=names, features=features, at=store, rounds=rounds, progress=tell
            )

    _show(measure, json)


def _show(measure: Callable[[], dict[str, Any]], json: bool) -> None:
    try:
        found = measure()
    except ModuleNotFoundError as missing:
        raise typer.BadParameter(
            f"the benches need the package {missing.name}: install aloft[bench]"
        ) from missing
    except (AloftError, RuntimeError, ValueError) as refusal:
        err.print(f"[red]not measured[/red] {refusal}")
        raise typer.Exit(1) from refusal
    if json:
        print(json_module.dumps(found))
        return
    for section in ("size", "figures", "ratios"):
        rows(
            f"{found['bench']} {section}",
            ("what", "value"),
            [{"what": k, "value": v} for k, v in found[section].items()],
            False,
        )
    out.print(f"on {found['machine']['cores']} cores of {found['machine']['cpu']}")
