"""`aloft campaign`: campaigns listed, started, paused, stopped; larger commands are modules of their own."""

from uuid import uuid4

import typer

from aloft.api.labels.v1 import campaign_service_pb2 as labels
from aloft.api.labels.v1.campaign_pb2 import Campaign
from aloft.api.labels.v1.campaign_service_pb2_grpc import CampaignServiceStub
from aloft.cli.connection import Json, connection
from aloft.cli.creating import create
from aloft.cli.output import rows, show
from aloft.cli.pages import pages
from aloft.cli.standing import status
from aloft.cli.updating import update
from aloft.cli.watch import watch
from aloft.cli.why import why

app = typer.Typer(no_args_is_help=True, help="Campaigns: one taxonomy, one pool, one strategy, one budget.")
app.command()(create)
app.command()(update)
app.command()(status)
app.command()(watch)
app.command()(why)


@app.command("list")
def list_(json: Json = False) -> None:
    """List the campaigns."""
    with connection().to("label-store") as opened:
        stub = CampaignServiceStub(opened)
        found = [
            one for page in pages(stub.ListCampaigns, labels.ListCampaignsRequest()) for one in page.campaigns
        ]
    items = [
        {
            "campaign": one.name.removeprefix("campaigns/"),
            "state": Campaign.State.Name(one.state).removeprefix("STATE_"),
            "reason": one.state_reason,
            "labels": len(one.taxonomy.labels),
            "strategy": one.strategy.expression,
            "label_revision": one.label_revision,
        }
        for one in found
    ]
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
def stop(campaign: str, json: Json = False) -> None:
    """Stop for good. What is open closes, and a last version is trained on what is labelled."""
    request = labels.StopCampaignRequest(name=f"campaigns/{campaign}", request_id=str(uuid4()))
    with connection().to("label-store") as opened:
        show(CampaignServiceStub(opened).StopCampaign(request), json)
