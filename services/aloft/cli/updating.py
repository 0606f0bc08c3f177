"""`aloft campaign update`: what of a campaign may change while it runs."""

from datetime import timedelta
from typing import Annotated
from uuid import uuid4

import typer

from aloft.api.labels.v1 import campaign_service_pb2 as labels
from aloft.api.labels.v1.campaign_pb2 import Campaign
from aloft.api.labels.v1.campaign_service_pb2_grpc import CampaignServiceStub
from aloft.cli.connection import Json, connection
from aloft.cli.creating import MODES, Mode
from aloft.cli.limits import HOURS, INT32, INT64
from aloft.cli.output import show


def update(
    campaign: str,
    strategy: Annotated[str | None, typer.Option(help="How images are chosen, as `auto`.")] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, max=INT32, help="Images in a batch, from the next.")
    ] = None,
    budget: Annotated[
        int | None, typer.Option(min=0, max=INT64, help="Images that may be labelled in all; 0: no limit.")
    ] = None,
    close_fraction: Annotated[
        float | None, typer.Option(help="How much of a batch is to be labelled for it to close: 1 is all.")
    ] = None,
    close_after_hours: Annotated[
        float | None, typer.Option(min=0, max=HOURS, help="When a batch closes, labelled or not; 0: never.")
    ] = None,
    mode: Annotated[
        Mode | None, typer.Option(help="Train the whole network, or a head on a frozen backbone.")
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, max=INT64, help="Steps of fine-tuning.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Of fine-tuning.")] = None,
    gate: Annotated[
        float | None, typer.Option(help="The lowest score with which a version is promoted.")
    ] = None,
    target: Annotated[float | None, typer.Option(help="Stop when a promoted one reaches this score.")] = None,
    json: Json = False,
) -> None:
    """Change what is named of a campaign, and nothing else. Its labels and its images cannot be changed.

    When a batch closes holds for the one that is open too.
    """
    asked = {
        "strategy.expression": strategy,
        "batch_policy.size": batch_size,
        "batch_policy.close_fraction": close_fraction,
        "budget.images": budget,
        "training.mode": None if mode is None else MODES[mode],
        "training.steps": steps,
        "training.learning_rate": learning_rate,
        "gate.minimum": gate,
        "stop_rules.target_score": target,
    }
    wanted = Campaign(name=f"campaigns/{campaign}")
    request = labels.UpdateCampaignRequest(campaign=wanted, request_id=str(uuid4()))
    for path, value in asked.items():
        if value is not None:
            section, field = path.split(".")
            setattr(getattr(request.campaign, section), field, value)
            request.update_mask.paths.append(path)
    if close_after_hours is not None:
        request.update_mask.paths.append("batch_policy.close_after")
        if close_after_hours:
            request.campaign.batch_policy.close_after.FromTimedelta(timedelta(hours=close_after_hours))
    if not request.update_mask.paths:
        raise typer.BadParameter("name what is to change, such as --strategy; see --help")
    with connection().to("label-store") as opened:
        show(CampaignServiceStub(opened).UpdateCampaign(request), json)
