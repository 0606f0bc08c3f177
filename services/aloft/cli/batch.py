"""`aloft batch`: what would be selected, what was, and why."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import uuid4

import typer
from rich.markup import escape

from aloft.api.acquisition.v1 import acquisition_service_pb2 as api
from aloft.api.acquisition.v1.acquisition_service_pb2_grpc import AcquisitionServiceStub
from aloft.cli.connection import Json, connection
from aloft.cli.following import follow
from aloft.cli.limits import INT32, UINT64
from aloft.cli.output import REFUSED, err, fields_of, out, rows, show
from aloft.kit import names

app = typer.Typer(no_args_is_help=True, help="Batches: which images are labelled next, and why.")

Size = Annotated[
    int, typer.Option(min=0, max=INT32, help="Images; by default as many as a batch of the campaign has.")
]
Seed = Annotated[
    int | None, typer.Option(min=0, max=UINT64, help="Where chance begins; by default as for the next batch.")
]
_CHOSEN = ("image", "score", "cluster", "why")


@app.command()
def preview(
    campaign: str,
    strategy: Annotated[str, typer.Option(help="Another strategy, as `entropy+kmeans`.")] = "",
    size: Size = 0,
    seed: Seed = None,
    json: Json = False,
) -> None:
    """Say what would be selected from the newest ranking, and why; nothing is written. Ctrl-C cancels it."""
    request = api.SelectBatchRequest(
        parent=names.CAMPAIGN.format(campaign), validate_only=True, strategy=strategy, size=size, seed=seed
    )
    with connection().to("acquisition") as opened:
        operation = follow(opened, AcquisitionServiceStub(opened).SelectBatch(request), "selecting")
        chosen = api.BatchSelection()
        operation.response.Unpack(chosen)
    if json:
        show(chosen, json)
        return
    title = f"{chosen.images} images by {chosen.strategy} under version {chosen.version}"
    rows(title, _CHOSEN, [fields_of(one) for one in chosen.selected_images], json)
    if chosen.shortfall:
        out.print(chosen.shortfall)
    if chosen.expected_positives:
        rows("Expected images of each label", ("label", "images"), _labels(chosen.expected_positives), json)


@app.command()
def select(campaign: str, json: Json = False) -> None:
    """Select the batch that is due now, or say why none is. Ctrl-C leaves it to the service."""
    request = api.SelectBatchRequest(parent=names.CAMPAIGN.format(campaign), request_id=str(uuid4()))
    with connection().to("acquisition") as opened:
        stub = AcquisitionServiceStub(opened)
        # The service selects by itself what is due, and this may be the same job.
        operation = follow(opened, stub.SelectBatch(request), "selecting", shared=True)
        chosen = api.BatchSelection()
        operation.response.Unpack(chosen)
        if not chosen.batch:
            asked = api.GetSelectionRequest(name=names.SELECTION.format(campaign))
            waits = stub.GetSelection(asked).waiting_for
            err.print(f"nothing was sent out; the campaign waits for {escape(waits)}", soft_wrap=True)
            raise typer.Exit(REFUSED)
    show(chosen, json)


@app.command()
def compare(
    campaign: str,
    strategies: Annotated[list[str], typer.Argument(help="Two to eight, as `random mge+kmeans`.")],
    size: Size = 0,
    seed: Seed = None,
    json: Json = False,
) -> None:
    """Say what several strategies would select, and how much of it they share. Ctrl-C cancels it."""
    request = api.CompareStrategiesRequest(
        parent=names.CAMPAIGN.format(campaign), strategies=strategies, size=size, seed=seed
    )
    with connection().to("acquisition") as opened:
        operation = follow(opened, AcquisitionServiceStub(opened).CompareStrategies(request), "comparing")
        compared = api.StrategyComparison()
        operation.response.Unpack(compared)
    if json:
        show(compared, json)
        return
    rows(f"Shared, under version {compared.version}", *_shared(compared), json)
    rows("Expected images of each label", *_expected(compared), json)


@app.command()
def explain(
    campaign: str,
    image: Annotated[str, typer.Argument(help="An image's id: thirty-two hexadecimal digits.")],
    json: Json = False,
) -> None:
    """Say which batches an image was in and why, or where it stands and why it was in none."""
    request = api.ExplainSelectionRequest(name=names.IMAGE.format(campaign, image))
    with connection().to("acquisition") as opened:
        show(AcquisitionServiceStub(opened).ExplainSelection(request), json)


def _labels(expected: Mapping[str, float]) -> list[dict[str, Any]]:
    rarest = sorted(expected.items(), key=lambda each: (each[1], each[0]))
    return [{"label": label, "images": f"{count:.1f}"} for label, count in rarest]


def _shared(compared: api.StrategyComparison) -> tuple[tuple[str, ...], list[dict[str, Any]]]:
    items = [
        {"first": each.first, "second": each.second, "images": each.images, "jaccard": round(each.jaccard, 3)}
        for each in compared.overlaps
    ]
    return ("first", "second", "images", "jaccard"), items


def _expected(compared: api.StrategyComparison) -> tuple[tuple[str, ...], list[dict[str, Any]]]:
    labels = sorted({label for choice in compared.choices for label in choice.expected_positives})
    items = [
        {
            "label": label,
            **{
                choice.expression: f"{choice.expected_positives[label]:.1f}"
                for choice in compared.choices
                if label in choice.expected_positives
            },
        }
        for label in labels
    ]
    return ("label", *(choice.expression for choice in compared.choices)), items
