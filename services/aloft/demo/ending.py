"""Reads through the public API how it ended."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from aloft.api.acquisition.v1.acquisition_service_pb2 import Ranking, SelectedImage
from aloft.api.acquisition.v1.acquisition_service_pb2_grpc import AcquisitionServiceStub
from aloft.api.labels.v1 import campaign_service_pb2 as campaigns
from aloft.api.labels.v1.batch_service_pb2 import Batch
from aloft.api.labels.v1.batch_service_pb2_grpc import BatchServiceStub
from aloft.api.labels.v1.campaign_pb2 import VERDICT_POSITIVE
from aloft.api.labels.v1.campaign_service_pb2_grpc import CampaignServiceStub
from aloft.api.labels.v1.image_service_pb2 import Image
from aloft.api.labels.v1.image_service_pb2_grpc import ImageServiceStub
from aloft.api.trainer.v1.trainer_service_pb2 import Model
from aloft.api.trainer.v1.trainer_service_pb2_grpc import TrainerServiceStub
from aloft.demo import pages
from aloft.demo.outcome import ArmOutcome, Chosen, Round
from aloft.demo.plan import Arm

Open = Callable[[str], grpc.Channel]


@dataclass(frozen=True, slots=True)
class Found:
    """What the services say of a campaign."""

    batches: Sequence[Batch]
    """Those of which something was labelled, in the order of their numbers."""
    versions: Sequence[Model]
    """Those that learned from labels, in the order of their numbers: one for each batch."""
    rankings: Sequence[Ranking]
    chosen: Mapping[int, Sequence[Chosen]]
    """By batch."""


def read_arm(channel: Open, arm: Arm) -> ArmOutcome:
    """Ask for everything that the report shows of a campaign."""
    labels, trainer = channel("label-store"), TrainerServiceStub(channel("trainer"))
    acquisition = AcquisitionServiceStub(channel("acquisition"))
    campaign = CampaignServiceStub(labels).GetCampaign(campaigns.GetCampaignRequest(name=arm.name))
    images = {_last(one.name): one for one in pages.images(ImageServiceStub(labels), arm.name)}
    batches = sorted(pages.batches(BatchServiceStub(labels), arm.name), key=number_of)
    batches = [batch for batch in batches if batch.labelled_images]
    chosen = {number_of(batch): _chosen(images, pages.selected(acquisition, batch.name)) for batch in batches}
    models = sorted(pages.models(trainer, arm.name), key=lambda model: model.version)
    found = Found(
        batches,
        [model for model in models if not model.base],
        list(pages.rankings(acquisition, arm.name)),
        chosen,
    )
    return ArmOutcome(arm.campaign, arm.strategy, rounds_of(found), campaign.state_reason)


def rounds_of(found: Found) -> list[Round]:
    """Put each batch together with the version that learned from it."""
    ranked = {ranking.name: ranking.create_time for ranking in found.rankings}
    rounds, labelled = [], 0
    before: Model | None = None
    for batch, model in zip(found.batches, found.versions, strict=True):
        labelled += batch.labelled_images
        rounds.append(
            Round(
                number=number_of(batch),
                strategy=batch.strategy,
                version=model.version,
                labelled=labelled,
                chosen=found.chosen[number_of(batch)],
                metrics=dict(model.metrics),
                seconds=_seconds(batch, model, before, ranked.get(batch.ranking)),
            )
        )
        before = model
    return rounds


def _seconds(batch: Batch, model: Model, before: Model | None, ranked: Timestamp | None) -> dict[str, float]:
    stages = {}
    if before is not None and ranked is not None:
        stages["embed and rank"] = _between(before.create_time, ranked)
        stages["select"] = _between(ranked, batch.create_time)
    stages["label"] = _between(batch.create_time, batch.close_time)
    stages["train"] = _between(batch.close_time, model.create_time)
    return stages


def number_of(batch: Batch) -> int:
    """Give a batch's number."""
    return int(_last(batch.name))


def _chosen(images: Mapping[str, Image], selected: Iterable[SelectedImage]) -> list[Chosen]:
    """Join why an image went out with what was found on it; what left the batch unlabelled is passed over."""
    return [
        Chosen(one.image, images[one.image].key, one.why, shown_by(images[one.image]))
        for one in selected
        if images[one.image].label_set.version
    ]


def shown_by(image: Image) -> list[str]:
    """Name the labels that the consensus on an image found."""
    return [one.label for one in image.label_set.verdicts if one.verdict == VERDICT_POSITIVE]


def _last(name: str) -> str:
    return name.rsplit("/", 1)[1]


def _between(start: Timestamp, end: Timestamp) -> float:
    return (end.ToMicroseconds() - start.ToMicroseconds()) / 1e6
