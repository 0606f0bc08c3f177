"""One look at a campaign: what its services count, and what each waits for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import grpc

from aloft.api.acquisition.v1 import acquisition_service_pb2 as acquisition
from aloft.api.acquisition.v1.acquisition_service_pb2_grpc import AcquisitionServiceStub
from aloft.api.embedding.v1 import embedding_service_pb2 as embedding
from aloft.api.embedding.v1.embedding_service_pb2_grpc import EmbeddingServiceStub
from aloft.api.explanation.v1.explanation_service_pb2 import ExplainCampaignResponse
from aloft.api.labels.v1 import batch_service_pb2 as batches
from aloft.api.labels.v1 import campaign_service_pb2 as labels
from aloft.api.labels.v1.batch_service_pb2_grpc import BatchServiceStub
from aloft.api.labels.v1.campaign_pb2 import Campaign
from aloft.api.labels.v1.campaign_service_pb2_grpc import CampaignServiceStub
from aloft.api.trainer.v1 import trainer_service_pb2 as trainer
from aloft.api.trainer.v1.trainer_service_pb2_grpc import TrainerServiceStub
from aloft.cli import reasons
from aloft.cli.everyone import Question
from aloft.cli.pages import pages
from aloft.cli.reasons import Reason, Standing
from aloft.kit.errors import AloftError

Figures = Callable[[grpc.Channel, str], Any]


@dataclass(frozen=True, slots=True)
class Labels:
    """What the label store says."""

    campaign: Campaign
    progress: labels.CampaignProgress
    batch: batches.Batch | None
    """The open one."""


@dataclass(frozen=True, slots=True)
class Training:
    """What the trainer says."""

    models: Sequence[trainer.Model]
    """The oldest first."""
    run: trainer.Run | None
    """The one that is queued or at work."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one service answered."""

    figures: Any
    explained: ExplainCampaignResponse


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A campaign at one moment. What a service did not answer is None."""

    name: str
    at: datetime
    reasons: Sequence[Reason]
    labels: Labels | None = None
    training: Training | None = None
    pool: embedding.Pool | None = None
    selection: acquisition.Selection | None = None
    verdict: str = field(default="")

    @property
    def at_rest(self) -> bool:
        """Whether it was stopped for good, and nothing of it moves any more."""
        if self.labels is None or self.labels.campaign.state != Campaign.STATE_STOPPED:
            return False
        return all(reason.standing in (Standing.IDLE, Standing.STUCK) for reason in self.reasons)


def questions(campaign: str) -> Mapping[str, Question[Look]]:
    """Say what each service is asked."""
    explain = reasons.questions(campaign)
    name = f"campaigns/{campaign}"

    def look(figures: Figures, service: str) -> Question[Look]:
        return lambda channel: Look(figures(channel, name), explain[service](channel))

    return {service: look(figures, service) for service, figures in _FIGURES.items()}


def snapshot(campaign: str, answers: Mapping[str, Look | AloftError], at: datetime | None = None) -> Snapshot:
    """Put the answers together."""
    figures = {service: said.figures for service, said in answers.items() if isinstance(said, Look)}
    explained = {
        service: said.explained if isinstance(said, Look) else said for service, said in answers.items()
    }
    found = reasons.joined(explained)
    return Snapshot(
        name=campaign,
        at=at or datetime.now(UTC),
        reasons=found,
        labels=figures.get("label-store"),
        training=figures.get("trainer"),
        pool=figures.get("embedding"),
        selection=figures.get("acquisition"),
        verdict=reasons.verdict(found)[1],
    )


def _labels(channel: grpc.Channel, name: str) -> Labels:
    stub = CampaignServiceStub(channel)
    campaign = stub.GetCampaign(labels.GetCampaignRequest(name=name))
    progress = stub.GetCampaignProgress(labels.GetCampaignProgressRequest(name=name))
    batch = None
    if progress.open_batch:
        batch = BatchServiceStub(channel).GetBatch(batches.GetBatchRequest(name=progress.open_batch))
    return Labels(campaign, progress, batch)


def _training(channel: grpc.Channel, name: str) -> Training:
    stub = TrainerServiceStub(channel)
    request = trainer.ListModelsRequest(parent=name)
    models = [model for page in pages(stub.ListModels, request) for model in page.models]
    live = (trainer.Run.STATE_QUEUED, trainer.Run.STATE_RUNNING)
    runs = stub.ListRuns(trainer.ListRunsRequest(parent=name, page_size=20)).runs
    run = next((run for run in runs if run.state in live), None)
    return Training(sorted(models, key=lambda model: model.version), run)


def _pool(channel: grpc.Channel, name: str) -> embedding.Pool:
    request = embedding.GetPoolRequest(name=f"{name}/pool")
    answer: embedding.Pool = EmbeddingServiceStub(channel).GetPool(request)
    return answer


def _selection(channel: grpc.Channel, name: str) -> acquisition.Selection:
    request = acquisition.GetSelectionRequest(name=f"{name}/selection")
    answer: acquisition.Selection = AcquisitionServiceStub(channel).GetSelection(request)
    return answer


_FIGURES: Mapping[str, Figures] = {
    "label-store": _labels,
    "trainer": _training,
    "embedding": _pool,
    "acquisition": _selection,
}
