"""Reads whole listings of the public API, page by page."""

from collections.abc import Callable, Iterator
from typing import Any

from aloft.api.acquisition.v1 import acquisition_service_pb2 as acquisition
from aloft.api.acquisition.v1.acquisition_service_pb2_grpc import AcquisitionServiceStub
from aloft.api.labels.v1 import batch_service_pb2 as labels
from aloft.api.labels.v1 import image_service_pb2 as store
from aloft.api.labels.v1.batch_service_pb2_grpc import BatchServiceStub
from aloft.api.labels.v1.image_service_pb2_grpc import ImageServiceStub
from aloft.api.trainer.v1 import trainer_service_pb2 as trainer
from aloft.api.trainer.v1.trainer_service_pb2_grpc import TrainerServiceStub

PAGE = 1000


def batches(stub: BatchServiceStub, parent: str) -> Iterator[labels.Batch]:
    """List a campaign's batches."""
    return _all(stub.ListBatches, labels.ListBatchesRequest(parent=parent, page_size=PAGE), "batches")


def images(stub: ImageServiceStub, parent: str) -> Iterator[store.Image]:
    """List a campaign's images."""
    return _all(stub.ListImages, store.ListImagesRequest(parent=parent, page_size=PAGE), "images")


def runs(stub: TrainerServiceStub, parent: str) -> Iterator[trainer.Run]:
    """List a campaign's runs."""
    return _all(stub.ListRuns, trainer.ListRunsRequest(parent=parent, page_size=PAGE), "runs")


def models(stub: TrainerServiceStub, parent: str) -> Iterator[trainer.Model]:
    """List a campaign's versions."""
    return _all(stub.ListModels, trainer.ListModelsRequest(parent=parent, page_size=PAGE), "models")


def rankings(stub: AcquisitionServiceStub, parent: str) -> Iterator[acquisition.Ranking]:
    """List a campaign's rankings."""
    request = acquisition.ListRankingsRequest(parent=parent, page_size=PAGE)
    return _all(stub.ListRankings, request, "rankings")


def selected(stub: AcquisitionServiceStub, batch: str) -> Iterator[acquisition.SelectedImage]:
    """List the images of a batch in the order in which they were chosen."""
    request = acquisition.ListSelectedImagesRequest(parent=batch, page_size=PAGE)
    return _all(stub.ListSelectedImages, request, "selected_images")


def _all(method: Callable[[Any], Any], request: Any, field: str) -> Iterator[Any]:
    while True:
        answer = method(request)
        yield from getattr(answer, field)
        if not answer.next_page_token:
            return
        request.page_token = answer.next_page_token
