"""Publishes what a run made: artefacts first, then everything that counts in one transaction."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from aloft import __version__
from aloft.api.events.v1 import events_pb2 as events
from aloft.kit.bus import outbox
from aloft.kit.names import MODEL
from aloft.serving.archive import Golden, ServedModel, write_archive
from aloft.trainer.domain.models import Model
from aloft.trainer.store import campaigns, models, servings
from aloft.trainer.use_cases.artefacts import put_archive, put_card, put_weights
from aloft.trainer.use_cases.follow_up import follow_up
from aloft.trainer.use_cases.means import Attempt

if TYPE_CHECKING:
    from aloft.networks import Backbone, Head, LossHead

CARD = "aloft.card/1"

GOLDEN_SEED = 0
"""The golden inputs of all versions are the same, so that their golden outputs can be compared."""


@dataclass(frozen=True, slots=True)
class Made:
    """What training gives: a base version where there is no head."""

    backbone: "Backbone"
    head: "Head | None" = None
    losses: "LossHead | None" = None
    labels: tuple[str, ...] = ()
    temperature: float = 1.0
    thresholds: tuple[float, ...] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    score: float | None = None
    gate_failure: str = ""
    parent: int = 0
    about: Mapping[str, Any] = field(default_factory=dict)
    """What the card says beside what every card says."""


def publish(attempt: Attempt, made: Made) -> None:
    """End the run: its version, what is to be served, and the event, all or nothing."""
    objects, run = attempt.means.objects, attempt.run
    total = 4
    attempt.beat(0, total, "publishing")
    served, weights = _served(attempt, made)
    model = _model(attempt, made, *put_weights(objects, run, weights))
    attempt.beat(1, total, "publishing")
    archive_key, archive_digest = put_archive(objects, run, write_archive(served, weights))
    model = replace(model, archive_key=archive_key, archive_digest=archive_digest)
    attempt.beat(2, total, "publishing")
    model = replace(model, card_key=put_card(objects, run, _card(attempt, made, model, served)))
    attempt.beat(3, total, "publishing")
    with attempt.lease.finish({"version": run.version}) as tx:
        # Before anything else of the campaign, as everybody does who changes what is to be served.
        campaigns.get(tx, run.campaign, lock=True)
        models.add(tx, model)
        if model.promoted:
            servings.desire(tx, model)
        outbox.emit(tx, run.campaign, published(model), subject=MODEL.format(run.campaign, run.version))
        follow_up(tx, attempt.means.jobs, run)


def _served(attempt: Attempt, made: Made) -> tuple[ServedModel, bytes]:
    import torch

    from aloft.networks import FeatureExtractor, save_weights
    from aloft.serving.golden import golden_images

    spec = attempt.campaign.spec
    # On the CPU and in single precision, whatever it was trained on: what every server is compared with.
    extractor = FeatureExtractor(made.backbone, torch.device("cpu"))
    answers = extractor(golden_images(spec, GOLDEN_SEED))
    if made.head is not None:
        answers = made.head.logits(answers)
    served = ServedModel(
        campaign=attempt.run.campaign,
        version=attempt.run.version,
        architecture=made.backbone.architecture,
        spec=spec,
        labels=made.labels,
        temperature=made.temperature,
        thresholds=made.thresholds,
        golden=Golden(GOLDEN_SEED, tuple(tuple(map(float, row)) for row in answers)),
    )
    return served, save_weights(made.backbone, made.head, made.losses)


def _model(attempt: Attempt, made: Made, artefact_key: str, artefact_digest: str) -> Model:
    from aloft.networks import backbone_digest

    return Model(
        campaign=attempt.run.campaign,
        version=attempt.run.version,
        base=made.head is None,
        promoted=not made.gate_failure,
        architecture=made.backbone.architecture,
        artefact_key=artefact_key,
        artefact_digest=artefact_digest,
        backbone=backbone_digest(made.backbone),
        feature_size=made.backbone.feature_size,
        card_key="",
        label_revision=attempt.run.label_revision,
        metrics=dict(made.metrics),
        labels=made.labels,
        loss_head=made.losses is not None,
        gate_failure=made.gate_failure,
        score=made.score,
        parent=made.parent,
    )


def _card(attempt: Attempt, made: Made, model: Model, served: ServedModel) -> dict[str, Any]:
    run = attempt.run
    said = {name: value for name, value in asdict(model).items() if name not in ("card_key", "created_us")}
    said["backbone_digest"] = said.pop("backbone")
    return {
        "format": CARD,
        **said,
        "parent": made.parent or None,
        "image_spec": asdict(attempt.campaign.spec),
        "code_version": __version__,
        "strategy": attempt.campaign.strategy or None,
        "data_snapshot_key": run.snapshot_key or None,
        "data_snapshot_digest": run.snapshot_digest or None,
        "temperature": None if made.head is None else made.temperature,
        "thresholds": None if made.head is None else made.thresholds,
        "golden": asdict(served.golden),
        **made.about,
    }


def published(model: Model) -> events.ModelPublished:
    """Make the event that announces a version."""
    return events.ModelPublished(
        campaign=model.campaign,
        version=model.version,
        promoted=model.promoted,
        base=model.base,
        architecture=model.architecture,
        artefact_key=model.artefact_key,
        artefact_digest=model.artefact_digest,
        backbone_digest=model.backbone,
        card_key=model.card_key,
        label_revision=model.label_revision,
        metrics=model.metrics,
        feature_size=model.feature_size,
        labels=model.labels,
        gate_failure=model.gate_failure,
        score=model.score,
        loss_head=model.loss_head,
    )
