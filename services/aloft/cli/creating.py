"""`aloft campaign create`: the usual fields as options, the rest from a file."""

import json as json_module
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import typer
from google.protobuf.json_format import ParseDict, ParseError

from aloft.api.labels.v1 import campaign_service_pb2 as labels
from aloft.api.labels.v1.campaign_pb2 import Campaign, Training
from aloft.api.labels.v1.campaign_service_pb2_grpc import CampaignServiceStub
from aloft.cli.connection import Json, connection
from aloft.cli.limits import INT32, INT64, UINT64
from aloft.cli.output import show


class Mode(StrEnum):
    """How versions are trained."""

    FULL = "full"
    PROBE = "probe"


class HeldOut(StrEnum):
    """Where the labels come from that versions are judged by, unless they are drawn from the pool."""

    IMPORTED = "imported"


MODES = {Mode.FULL: Training.MODE_FULL, Mode.PROBE: Training.MODE_PROBE}


def create(
    campaign: Annotated[str, typer.Argument(help="Its id: lower-case letters, digits and hyphens.")],
    label: Annotated[
        list[str], typer.Option(help="A label of the taxonomy, repeat it; replaces the file's.")
    ] = [],  # noqa: B006
    file: Annotated[
        Path | None, typer.Option(help="A JSON file with the fields of a Campaign; options go before it.")
    ] = None,
    strategy: Annotated[str, typer.Option(help="How images are chosen, as `auto`.")] = "",
    batch_size: Annotated[int, typer.Option(min=0, max=INT32, help="Images in a batch; 0: the default.")] = 0,
    budget: Annotated[
        int, typer.Option(min=0, max=INT64, help="Images that may be labelled; 0: no limit.")
    ] = 0,
    overlap: Annotated[
        int, typer.Option(min=0, max=INT32, help="Annotators who see each image; 0: one.")
    ] = 0,
    mode: Annotated[
        Mode | None, typer.Option(help="Train the whole network, or a head on a frozen backbone.")
    ] = None,
    random_weights: Annotated[
        bool, typer.Option("--random-weights", help="Begin with these, not by self-supervision on the pool.")
    ] = False,
    held_out: Annotated[
        HeldOut | None, typer.Option(help="Versions are judged by images imported with their labels.")
    ] = None,
    evaluation_images: Annotated[
        int,
        typer.Option(
            min=0, max=INT64, help="Or by so many images of the pool, drawn at random and labelled first."
        ),
    ] = 0,
    gate: Annotated[float | None, typer.Option(help="The lowest score with which one is promoted.")] = None,
    target: Annotated[float | None, typer.Option(help="Stop when a promoted one reaches this score.")] = None,
    seed: Annotated[int, typer.Option(min=0, max=UINT64, help="What every random choice begins from.")] = 0,
    json: Json = False,
) -> None:
    """Create a campaign, paused until `aloft campaign resume`."""
    wanted = _read(file) if file else Campaign()
    if label:
        del wanted.taxonomy.labels[:]
    for name in label:
        wanted.taxonomy.labels.add(id=name)
    if strategy:
        wanted.strategy.expression = strategy
    if batch_size:
        wanted.batch_policy.size = batch_size
    if budget:
        wanted.budget.images = budget
    if overlap:
        wanted.overlap = overlap
    if mode:
        wanted.training.mode = MODES[mode]
    if random_weights:
        wanted.base_model.seed = 0
    if seed:
        _begin_from(wanted, seed)
    _judge(wanted, held_out, evaluation_images, gate, target)
    request = labels.CreateCampaignRequest(campaign_id=campaign, campaign=wanted, request_id=str(uuid4()))
    with connection().to("label-store") as opened:
        show(CampaignServiceStub(opened).CreateCampaign(request), json)


def _begin_from(wanted: Campaign, seed: int) -> None:
    wanted.strategy.seed = wanted.training.seed = seed
    match wanted.base_model.WhichOneof("source"):
        case "seed":
            wanted.base_model.seed = seed
        case None | "pretraining":
            wanted.base_model.pretraining.seed = seed


def _judge(
    wanted: Campaign,
    held_out: HeldOut | None,
    evaluation_images: int,
    gate: float | None,
    target: float | None,
) -> None:
    if held_out and evaluation_images:
        raise typer.BadParameter("imported or drawn from the pool: name one", param_hint="--held-out")
    if held_out:
        wanted.held_out.imported = True
    if evaluation_images:
        wanted.held_out.evaluation_images = evaluation_images
    if gate is not None:
        wanted.gate.minimum = gate
    if target is not None:
        wanted.stop_rules.target_score = target


def _read(file: Path) -> Campaign:
    try:
        return ParseDict(json_module.loads(file.read_text()), Campaign())
    except (OSError, ValueError, ParseError) as failure:
        raise typer.BadParameter(f"{file}: {failure}", param_hint="--file") from failure
