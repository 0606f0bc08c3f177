"""Where a campaign stands, as the public API tells it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import grpc

from aloft.api.acquisition.v1 import acquisition_service_pb2 as acquisition
from aloft.api.acquisition.v1.acquisition_service_pb2_grpc import AcquisitionServiceStub
from aloft.api.embedding.v1 import embedding_service_pb2 as embedding
from aloft.api.embedding.v1.embedding_service_pb2_grpc import EmbeddingServiceStub
from aloft.api.labels.v1 import batch_service_pb2 as batches
from aloft.api.labels.v1 import campaign_service_pb2 as campaigns
from aloft.api.labels.v1.batch_service_pb2_grpc import BatchServiceStub
from aloft.api.labels.v1.campaign_service_pb2_grpc import CampaignServiceStub
from aloft.api.trainer.v1 import trainer_service_pb2 as trainer
from aloft.api.trainer.v1.trainer_service_pb2_grpc import TrainerServiceStub
from aloft.demo.outcome import SCORE
from aloft.demo.pages import models, runs
from aloft.kit.errors import NotFound
from aloft.kit.rpc.channel import error_of

UNHEARD = "to hear of the campaign"


@dataclass(frozen=True, slots=True)
class Seen:
    """One look at all four services, about one campaign."""

    registered: int = 0
    base_version: int = 0
    """The version that began it all, 0 while there is none."""
    scores: tuple[float, ...] = ()
    """Of each version that learned from labels, in their order."""
    run: str = ""
    """What the run at work does; empty if there is none."""
    run_progress: float = 0.0
    failed: str = ""
    """Why a run failed."""
    embedded: int = 0
    """Images with features under the newest version, and those that can have none."""
    closed: int = 0
    open_batch: int = 0
    """The number of the open batch, 0 if there is none."""
    done: int = 0
    """How many of its images are labelled or skipped."""
    of: int = 0
    stopped: str = ""
    """Which rule stopped the campaign."""
    waiting: Mapping[str, str] = field(default_factory=dict)
    """By service, what it waits for; empty where it waits for nothing."""


class Watch:
    """Asks the services."""

    def __init__(self, channel: Callable[[str], grpc.Channel], name: str) -> None:
        labels = channel("label-store")
        self._name = name
        self._campaigns = CampaignServiceStub(labels)
        self._batches = BatchServiceStub(labels)
        self._trainer = TrainerServiceStub(channel("trainer"))
        self._embedding = EmbeddingServiceStub(channel("embedding"))
        self._acquisition = AcquisitionServiceStub(channel("acquisition"))

    def look(self) -> Seen:
        """Ask each service where it stands."""
        name = self._name
        progress = self._campaigns.GetCampaignProgress(campaigns.GetCampaignProgressRequest(name=name))
        campaign = self._campaigns.GetCampaign(campaigns.GetCampaignRequest(name=name))
        pool = _known(self._embedding.GetPool, embedding.GetPoolRequest(name=f"{name}/pool"))
        training = _known(self._trainer.GetTraining, trainer.GetTrainingRequest(name=f"{name}/training"))
        selection = _known(
            self._acquisition.GetSelection, acquisition.GetSelectionRequest(name=f"{name}/selection")
        )
        number, done, of = self._open(progress.open_batch)
        stage, part, failed = self._run() if training else ("", 0.0, "")
        base, scores = self._versions() if training else (0, ())
        return Seen(
            registered=progress.pool_images + progress.validation_images + progress.test_images,
            base_version=base,
            scores=scores,
            run=stage,
            run_progress=part,
            failed=failed,
            embedded=pool.embedded_images + pool.quarantined_images if pool else 0,
            closed=progress.closed_batches,
            open_batch=number,
            done=done,
            of=of,
            stopped=campaign.state_reason if campaign.state == campaign.STATE_STOPPED else "",
            waiting={
                "label-store": progress.waiting_for,
                "trainer": training.waiting_for if training else UNHEARD,
                "embedding": pool.waiting_for if pool else UNHEARD,
                "acquisition": selection.waiting_for if selection else UNHEARD,
            },
        )

    def _run(self) -> tuple[str, float, str]:
        found = list(runs(self._trainer, self._name))
        failed = next((str(run.error) for run in found if run.state == run.STATE_FAILED), "")
        for run in found:
            if run.state == run.STATE_RUNNING:
                return run.stage or "starting", run.progress, failed
        return "", 0.0, failed

    def _versions(self) -> tuple[int, tuple[float, ...]]:
        found = sorted(models(self._trainer, self._name), key=lambda model: model.version)
        base = next((model.version for model in found if model.base), 0)
        return base, tuple(model.metrics.get(SCORE, 0.0) for model in found if not model.base)

    def _open(self, name: str) -> tuple[int, int, int]:
        if not name:
            return 0, 0, 0
        batch = self._batches.GetBatch(batches.GetBatchRequest(name=name))
        done = batch.labelled_images + batch.skipped_images
        return int(name.rsplit("/", 1)[1]), done, batch.accepted_images


def _known(method: Callable[[Any], Any], request: Any) -> Any:
    """Call; None where the service has not heard of the campaign yet."""
    try:
        return method(request)
    except grpc.RpcError as failure:
        error = error_of(failure)
        if isinstance(error, NotFound):
            return None
        raise error from failure
