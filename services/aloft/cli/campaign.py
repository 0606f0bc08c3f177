"""`aloft campaign`: create one from a file, start and stop it, see where it stands."""

from pathlib import Path
from typing import Annotated
from uuid import uuid4

import typer
from google.protobuf.json_format import MessageToDict, ParseDict, ParseError

from aloft.api.acquisition.v1 import acquisition_service_pb2 as acquisition
from aloft.api.acquisition.v1.acquisition_service_pb2_grpc import AcquisitionServiceStub
from aloft.api.embedding.v1 import embedding_service_pb2 as embedding
from aloft.api.embedding.v1.embedding_service_pb2_grpc import EmbeddingServiceStub
from aloft.api.labels.v1 import campaign_service_pb2 as labels
from aloft.api.labels.v1.campaign_pb2 import Campaign
from aloft.api.labels.v1.campaign_service_pb2_grpc import CampaignServiceStub
from aloft.api.trainer.v1 import trainer_service_pb2 as trainer
from aloft.api.trainer.v1.trainer_service_pb2_grpc import TrainerServiceStub
from aloft.cli.connection import Connection, Json, connection
from aloft.cli.output import rows, show

app = typer.Typer(no_args_is_help=True, help="Campaigns: one taxonomy, one pool, one strategy, one budget.")


@app.command()
def create(
    campaign: Annotated[str, typer.Argument(help="Its id: lower-case letters, digits and hyphens.")],
    label: Annotated[list[str], typer.Option(help="A label of the taxonomy; repeat it.")] = [],  # noqa: B006
    file: Annotated[Path | None, typer.Option(help="A JSON file with the fields of a Campaign.")] = None,
    strategy: Annotated[str, typer.Option(help="How images are chosen.")] = "",
    batch_size: Annotated[int, typer.Option(help="Images in a batch; 0: the default.")] = 0,
    budget: Annotated[int, typer.Option(help="Images that may be labelled; 0: no limit.")] = 0,
    seed: Annotated[int, typer.Option(help="What every random choice begins from.")] = 0,
    json: Json = False,
) -> None:
    """Create a campaign, paused until `aloft campaign resume`."""
    wanted = _read(file) if file else Campaign()
    for name in label:
        wanted.taxonomy.labels.add(id=name)
    if strategy:
        wanted.strategy.expression = strategy
    if seed:
        wanted.strategy.seed = seed
    if batch_size:
        wanted.batch_policy.size = batch_size
    if budget:
        wanted.budget.images = budget
    request = labels.CreateCampaignRequest(campaign_id=campaign, campaign=wanted, request_id=str(uuid4()))
    with connection().to("label-store") as opened:
        show(CampaignServiceStub(opened).CreateCampaign(request), json)


def _read(file: Path) -> Campaign:
    try:
        import json

        return ParseDict(json.loads(file.read_text()), Campaign())
    except (OSError, ValueError, ParseError) as failure:
        raise typer.BadParameter(f"{file}: {failure}", param_hint="--file") from failure


@app.command("list")
def list_(json: Json = False) -> None:
    """List the campaigns."""
    items = []
    with connection().to("label-store") as opened:
        request = labels.ListCampaignsRequest(page_size=100)
        while True:
            page = CampaignServiceStub(opened).ListCampaigns(request)
            items += [
                {
                    "campaign": one.name.removeprefix("campaigns/"),
                    "state": Campaign.State.Name(one.state).removeprefix("STATE_"),
                    "reason": one.state_reason,
                    "labels": len(one.taxonomy.labels),
                    "strategy": one.strategy.expression,
                    "label_revision": one.label_revision,
                }
                for one in page.campaigns
            ]
            if not page.next_page_token:
                break
            request.page_token = page.next_page_token
    rows("Campaigns", ("campaign", "state", "reason", "labels", "strategy", "label_revision"), items, json)


@app.command()
def resume(campaign: str, json: Json = False) -> None:
    """Start selecting and labelling, or go on with it."""
    request = labels.ResumeCampaignRequest(name=f"campaigns/{campaign}", request_id=str(uuid4()))
    with connection().to("label-store") as opened:
        show(CampaignServiceStub(opened).ResumeCampaign(request), json)


@app.command()
def pause(campaign: str, json: Json = False) -> None:
    """Stop selecting and leasing; annotations under a live lease are still taken."""
    request = labels.PauseCampaignRequest(name=f"campaigns/{campaign}", request_id=str(uuid4()))
    with connection().to("label-store") as opened:
        show(CampaignServiceStub(opened).PauseCampaign(request), json)


@app.command()
def status(campaign: str, json: Json = False) -> None:
    """Say where a campaign stands in each service, and what each one waits for."""
    items = [{"service": service, **fields} for service, fields in standing(connection(), campaign).items()]
    if json:
        rows("", (), items, True)
        return
    for item in items:
        service = item.pop("service")
        rows(f"{service}", ("what", "value"), [{"what": k, "value": v} for k, v in item.items()], False)


def standing(server: Connection, campaign: str) -> dict[str, dict[str, object]]:
    """Ask each service what it knows of a campaign."""
    name = f"campaigns/{campaign}"
    answers: dict[str, dict[str, object]] = {}
    with server.to("label-store") as opened:
        stub = CampaignServiceStub(opened)
        found = stub.GetCampaign(labels.GetCampaignRequest(name=name))
        answers["label-store"] = {
            "state": Campaign.State.Name(found.state).removeprefix("STATE_"),
            "state_reason": found.state_reason,
            **_fields(stub.GetCampaignProgress(labels.GetCampaignProgressRequest(name=name))),
        }
    with server.to("trainer") as opened:
        trainers = TrainerServiceStub(opened)
        runs = trainers.ListRuns(trainer.ListRunsRequest(parent=name, page_size=100)).runs
        training = trainers.GetTraining(trainer.GetTrainingRequest(name=f"{name}/training"))
        answers["trainer"] = {
            "newest_version": training.newest_version,
            "failed_runs": [run.error for run in runs if run.state == trainer.Run.STATE_FAILED],
            "running_runs": [
                f"{run.stage} {run.progress:.0%}" for run in runs if run.state == trainer.Run.STATE_RUNNING
            ],
            "waiting_for": training.waiting_for,
        }
    with server.to("embedding") as opened:
        answers["embedding"] = _fields(
            EmbeddingServiceStub(opened).GetPool(embedding.GetPoolRequest(name=f"{name}/pool"))
        )
    with server.to("acquisition") as opened:
        answers["acquisition"] = _fields(
            AcquisitionServiceStub(opened).GetSelection(
                acquisition.GetSelectionRequest(name=f"{name}/selection")
            )
        )
    return answers


def _fields(message: object) -> dict[str, object]:
    return MessageToDict(
        message,  # type: ignore[arg-type]
        preserving_proto_field_name=True,
        always_print_fields_with_no_presence=True,
    )
