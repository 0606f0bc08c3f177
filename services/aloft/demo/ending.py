"""Reads through the public API how it ended."""

from collections.abc import Iterator

import grpc

from aloft.api.acquisition.v1.acquisition_service_pb2 import GetRankingRequest
from aloft.api.acquisition.v1.acquisition_service_pb2_grpc import AcquisitionServiceStub
from aloft.api.labels.v1.batch_service_pb2 import Batch, ListBatchesRequest
from aloft.api.labels.v1.batch_service_pb2_grpc import BatchServiceStub
from aloft.api.labels.v1.campaign_service_pb2 import GetCampaignRequest
from aloft.api.labels.v1.campaign_service_pb2_grpc import CampaignServiceStub
from aloft.api.labels.v1.image_service_pb2 import Image, ListImagesRequest
from aloft.api.labels.v1.image_service_pb2_grpc import ImageServiceStub
from aloft.demo.outcome import Outcome, balance, batch_outcomes, shown_by, whys
from aloft.demo.plan import Plan
from aloft.demo.pool import DrawnPool
from aloft.demo.watch import NAME

PAGE = 1000


def read_outcome(
    labels: grpc.Channel, acquisition: grpc.Channel, plan: Plan, drawn: DrawnPool, seconds: float
) -> Outcome:
    """Ask for batches, images, rankings and the campaign, and put them together."""
    batches = list(_batches(BatchServiceStub(labels)))
    found = list(_images(ImageServiceStub(labels)))
    outcomes = batch_outcomes(batches, found)
    rankings = AcquisitionServiceStub(acquisition)
    ranked = {
        name: rankings.GetRanking(GetRankingRequest(name=name)).images
        for name in {batch.ranking for batch in outcomes}
    }
    shown = {image.name.rsplit("/", 1)[1]: shown_by(image) for image in found}
    campaign = CampaignServiceStub(labels).GetCampaign(GetCampaignRequest(name=NAME))
    return Outcome(
        batches=outcomes,
        balance=balance(outcomes, drawn.labels, plan.images),
        whys=whys(outcomes, shown, ranked),
        stopped=campaign.state_reason,
        seconds=seconds,
    )


def _batches(stub: BatchServiceStub) -> Iterator[Batch]:
    request = ListBatchesRequest(parent=NAME, page_size=PAGE)
    while True:
        answer = stub.ListBatches(request)
        yield from answer.batches
        if not answer.next_page_token:
            return
        request.page_token = answer.next_page_token


def _images(stub: ImageServiceStub) -> Iterator[Image]:
    request = ListImagesRequest(parent=NAME, page_size=PAGE)
    while True:
        answer = stub.ListImages(request)
        yield from answer.images
        if not answer.next_page_token:
            return
        request.page_token = answer.next_page_token
