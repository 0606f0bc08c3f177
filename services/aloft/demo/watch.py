"""Where the campaign stands, as the public API tells it."""

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
from aloft.demo.plan import CAMPAIGN
from aloft.kit.errors import NotFound
from aloft.kit.rpc.channel import error_of

NAME = f"campaigns/{CAMPAIGN}"
UNHEARD = "to hear of the campaign"


@dataclass(frozen=True, slots=True)
class Seen:
    """One look at all four services."""

    registered: int = 0
    version: int = 0
    failed: str = ""
    """Why the run that was to make the first version failed."""
    embedded: int = 0
    """Images with features, and those that can have none."""
    closed: int = 0
    open_batch: int = 0
    """The number of the open batch, 0 if there is none."""
    done: int = 0
    """How many of its images are labelled or skipped."""
    of: int = 0
    waiting: Mapping[str, str] = field(default_factory=dict)
    """By service, what it waits for; empty where it waits for nothing."""


class Watch:
    """Asks the services."""

    def __init__(self, channel: Callable[[str], grpc.Channel]) -> None:
        labels = channel("label-store")
        self._campaigns = CampaignServiceStub(labels)
        self._batches = BatchServiceStub(labels)
        self._trainer = TrainerServiceStub(channel("trainer"))
        self._embedding = EmbeddingServiceStub(channel("embedding"))
        self._acquisition = AcquisitionServiceStub(channel("acquisition"))

    def look(self) -> Seen:
        """Ask each service where it stands."""
        progress = self._campaigns.GetCampaignProgress(campaigns.GetCampaignProgressRequest(name=NAME))
        pool = _known(self._embedding.GetPool, embedding.GetPoolRequest(name=f"{NAME}/pool"))
        training = _known(self._trainer.GetTraining, trainer.GetTrainingRequest(name=f"{NAME}/training"))
        selection = _known(
            self._acquisition.GetSelection, acquisition.GetSelectionRequest(name=f"{NAME}/selection")
        )
        version = training.promoted_version if training else 0
        number, done, of = self._open(progress.open_batch)
        return Seen(
            registered=progress.pool_images,
            version=version,
            failed="" if version else self._failed_run(),
            embedded=pool.embedded_images + pool.quarantined_images if pool else 0,
            closed=progress.closed_batches,
            open_batch=number,
            done=done,
            of=of,
            waiting={
                "label-store": progress.waiting_for,
                "trainer": training.waiting_for if training else UNHEARD,
                "embedding": pool.waiting_for if pool else UNHEARD,
                "acquisition": selection.waiting_for if selection else UNHEARD,
            },
        )

    def _failed_run(self) -> str:
        found = _known(self._trainer.ListRuns, trainer.ListRunsRequest(parent=NAME))
        runs = found.runs if found else ()
        return next((str(run.error) for run in runs if run.state == trainer.Run.STATE_FAILED), "")

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
