"""`aloft campaign status`: where a campaign stands in each service."""

from collections.abc import Mapping
from typing import Any

import grpc
import typer

from aloft.api.acquisition.v1 import acquisition_service_pb2 as acquisition
from aloft.api.acquisition.v1.acquisition_service_pb2_grpc import AcquisitionServiceStub
from aloft.api.embedding.v1 import embedding_service_pb2 as embedding
from aloft.api.embedding.v1.embedding_service_pb2_grpc import EmbeddingServiceStub
from aloft.api.labels.v1 import campaign_service_pb2 as labels
from aloft.api.labels.v1.campaign_pb2 import Campaign
from aloft.api.labels.v1.campaign_service_pb2_grpc import CampaignServiceStub
from aloft.api.trainer.v1 import trainer_service_pb2 as trainer
from aloft.api.trainer.v1.trainer_service_pb2_grpc import TrainerServiceStub
from aloft.cli.connection import Json, connection
from aloft.cli.everyone import Everyone, Question, is_away, refusal_in
from aloft.cli.output import UNREACHABLE, fields_of, refuse, rows
from aloft.kit.errors import AloftError

Fields = dict[str, Any]


def status(campaign: str, json: Json = False) -> None:
    """Say where a campaign stands in each service, and what each one waits for.

    Exit code 4: a service cannot be reached; what the others say is shown.
    """
    with Everyone(connection()) as everyone:
        answers = everyone.ask(questions(campaign))
    if refusal := refusal_in(answers):
        refuse(refusal)
    items = [{"service": service, **_said(answer)} for service, answer in answers.items()]
    if json:
        rows("", (), items, True)
    else:
        for item in items:
            service = item.pop("service")
            rows(service, ("what", "value"), [{"what": k, "value": v} for k, v in item.items()], False)
    if any(is_away(answer) for answer in answers.values()):
        raise typer.Exit(UNREACHABLE)


def _said(answer: Fields | AloftError) -> Fields:
    if isinstance(answer, AloftError):
        return {"away": is_away(answer), "reason": answer.reason, "message": answer.message}
    return answer


def questions(campaign: str) -> Mapping[str, Question[Fields]]:
    """Say what each service is asked."""
    name = f"campaigns/{campaign}"
    return {
        "label-store": lambda opened: _labels(opened, name),
        "trainer": lambda opened: _training(opened, name),
        "embedding": lambda opened: fields_of(
            EmbeddingServiceStub(opened).GetPool(embedding.GetPoolRequest(name=f"{name}/pool"))
        ),
        "acquisition": lambda opened: fields_of(
            AcquisitionServiceStub(opened).GetSelection(
                acquisition.GetSelectionRequest(name=f"{name}/selection")
            )
        ),
    }


def _labels(opened: grpc.Channel, name: str) -> Fields:
    stub = CampaignServiceStub(opened)
    found = stub.GetCampaign(labels.GetCampaignRequest(name=name))
    progress = stub.GetCampaignProgress(labels.GetCampaignProgressRequest(name=name))
    state = Campaign.State.Name(found.state).removeprefix("STATE_")
    return {"state": state, "state_reason": found.state_reason, **fields_of(progress)}


def _training(opened: grpc.Channel, name: str) -> Fields:
    stub = TrainerServiceStub(opened)
    runs = stub.ListRuns(trainer.ListRunsRequest(parent=name, page_size=100)).runs
    training = stub.GetTraining(trainer.GetTrainingRequest(name=f"{name}/training"))
    running = [run for run in runs if run.state == trainer.Run.STATE_RUNNING]
    return {
        "newest_version": training.newest_version,
        "promoted_version": training.promoted_version,
        "failed_runs": [run.error for run in runs if run.state == trainer.Run.STATE_FAILED],
        "running_runs": [f"{run.stage} {run.progress:.0%}" for run in running],
        "waiting_for": training.waiting_for,
    }
