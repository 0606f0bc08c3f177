"""`aloft ranking`: the rankings of a campaign, what one says, and another one when asked for."""

from itertools import islice
from typing import Annotated, Any
from uuid import uuid4

import typer

from aloft.api.acquisition.v1 import acquisition_service_pb2 as api
from aloft.api.acquisition.v1.acquisition_service_pb2_grpc import AcquisitionServiceStub
from aloft.cli.connection import Json, connection
from aloft.cli.following import follow
from aloft.cli.limits import INT32
from aloft.cli.output import rows, show
from aloft.cli.pages import pages
from aloft.kit import names

app = typer.Typer(no_args_is_help=True, help="Rankings: the score of every unlabelled image.")

_COLUMNS = ("ranking", "version", "generation", "strategy", "images", "left_out", "label_revision", "made")


@app.command("list")
def list_(campaign: str, json: Json = False) -> None:
    """List the rankings, newest first."""
    request = api.ListRankingsRequest(parent=names.CAMPAIGN.format(campaign))
    with connection().to("acquisition") as opened:
        stub = AcquisitionServiceStub(opened)
        items = [_fields(one) for page in pages(stub.ListRankings, request) for one in page.rankings]
    rows(f"Rankings of {campaign}", _COLUMNS, items, json)


@app.command("show")
def show_(
    campaign: str,
    ranking: Annotated[str, typer.Argument(help="As `ranking list` names it; by default the newest.")] = "",
    first: Annotated[int, typer.Option(min=1, max=INT32, help="How many of the best images.")] = 20,
    json: Json = False,
) -> None:
    """Show the images that a ranking puts first."""
    with connection().to("acquisition") as opened:
        stub = AcquisitionServiceStub(opened)
        if ranking:
            name = names.RANKING.format(campaign, ranking)
        else:
            wanted = api.GetSelectionRequest(name=f"{names.CAMPAIGN.format(campaign)}/selection")
            name = stub.GetSelection(wanted).newest_ranking
        if not name:
            raise typer.BadParameter(f"{campaign} has no ranking yet", param_hint="CAMPAIGN")
        found = pages(stub.ListRankedImages, api.ListRankedImagesRequest(parent=name))
        images = islice((one for page in found for one in page.ranked_images), first)
        items = [{"place": one.place, "image": one.image, "score": one.score} for one in images]
    rows(name, ("place", "image", "score"), items, json)


@app.command()
def rerank(campaign: str, json: Json = False) -> None:
    """Rank the newest pool anew although nothing changed, and wait for it; Ctrl-C cancels it."""
    request = api.RerankRequest(parent=names.CAMPAIGN.format(campaign), request_id=str(uuid4()))
    with connection().to("acquisition") as opened:
        operation = follow(opened, AcquisitionServiceStub(opened).Rerank(request), "ranking")
        made = api.Ranking()
        operation.response.Unpack(made)
    show(made, json)


def _fields(one: api.Ranking) -> dict[str, Any]:
    return {
        "ranking": one.name.rsplit("/", 1)[1],
        "version": one.model_version,
        "generation": one.generation,
        "strategy": one.strategy,
        "images": one.images,
        "left_out": one.left_out_images,
        "label_revision": one.label_revision,
        "made": one.create_time.ToJsonString(),
    }
