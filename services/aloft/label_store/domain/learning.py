"""How versions are made and judged: the defaults of what was left open, and what is wrong with the rest."""

import math
from collections.abc import Iterator

from aloft.api.labels.v1 import campaign_pb2 as pb
from aloft.kit.errors import FieldViolation

EVALUATION_IMAGES = 5_000
METHODS = ("simclr",)
_MODES = (pb.Training.MODE_FULL, pb.Training.MODE_PROBE)
_STEPS = 10_000_000
_BATCH_IMAGES = 65_536
_VERSIONS = 100
_JUDGED = (
    "needs labelled images that versions are judged by: set held_out.imported and import some with labels, or"
    " set held_out.evaluation_images; what is held out is fixed when the campaign is created"
)


def complete(campaign: pb.Campaign) -> None:
    """Put the default in every place that was left open."""
    training = campaign.training
    training.mode = training.mode or pb.Training.MODE_FULL
    training.steps = training.steps or 600
    training.batch_images = training.batch_images or 32
    training.learning_rate = training.learning_rate or 0.001
    if campaign.base_model.WhichOneof("source") == "pretraining":
        _complete_pretraining(campaign.base_model.pretraining)
    if campaign.stop_rules.HasField("plateau"):
        plateau = campaign.stop_rules.plateau
        plateau.versions = plateau.versions or 3
        plateau.min_gain = plateau.min_gain or 0.005
    for name in ("gate", "stop_rules", "held_out"):
        # One that says nothing is none.
        if not getattr(campaign, name).ListFields():
            campaign.ClearField(name)


def _complete_pretraining(pretraining: pb.Pretraining) -> None:
    pretraining.method = pretraining.method.strip() or "simclr"
    pretraining.steps = pretraining.steps or 2000
    pretraining.batch_images = pretraining.batch_images or 256
    pretraining.learning_rate = pretraining.learning_rate or 0.001


def violations_of(campaign: pb.Campaign) -> Iterator[FieldViolation]:
    """Name everything that is wrong with how a completed campaign makes, judges and stops at versions."""
    training = campaign.training
    if training.mode not in _MODES:
        yield FieldViolation(
            "campaign.training.mode", f"must be MODE_FULL or MODE_PROBE, not {training.mode}"
        )
    yield from _recipe_violations("campaign.training", training, least_images=1)
    if campaign.base_model.WhichOneof("source") == "pretraining":
        yield from _pretraining_violations(campaign.base_model.pretraining)
    yield from _score_violations(campaign)
    yield from _held_out_violations(campaign)


def _pretraining_violations(pretraining: pb.Pretraining) -> Iterator[FieldViolation]:
    field = "campaign.base_model.pretraining"
    if pretraining.method not in METHODS:
        yield FieldViolation(f"{field}.method", f"must be {' or '.join(METHODS)}, not {pretraining.method!r}")
    # Each image is told apart from the others of its step.
    yield from _recipe_violations(field, pretraining, least_images=2)


def _recipe_violations(
    field: str, recipe: pb.Training | pb.Pretraining, least_images: int
) -> Iterator[FieldViolation]:
    if not 1 <= recipe.steps <= _STEPS:
        yield FieldViolation(f"{field}.steps", f"must be 1 to {_STEPS}, not {recipe.steps}")
    if not least_images <= recipe.batch_images <= _BATCH_IMAGES:
        text = f"must be {least_images} to {_BATCH_IMAGES}, not {recipe.batch_images}"
        yield FieldViolation(f"{field}.batch_images", text)
    if not 0 < recipe.learning_rate <= 1:
        text = f"must be above 0 and at most 1, not {recipe.learning_rate}"
        yield FieldViolation(f"{field}.learning_rate", text)


def _score_violations(campaign: pb.Campaign) -> Iterator[FieldViolation]:
    gate, rules = campaign.gate, campaign.stop_rules
    for field, value, is_set in (
        ("gate.minimum", gate.minimum, gate.HasField("minimum")),
        ("gate.max_drop", gate.max_drop, gate.HasField("max_drop")),
        ("stop_rules.target_score", rules.target_score, rules.HasField("target_score")),
        ("stop_rules.plateau.min_gain", rules.plateau.min_gain, rules.HasField("plateau")),
    ):
        if is_set and not (math.isfinite(value) and 0 <= value <= 1):
            yield FieldViolation(f"campaign.{field}", f"must be 0 to 1, as scores are, not {value}")
    if rules.HasField("plateau") and not 1 <= rules.plateau.versions <= _VERSIONS:
        text = f"must be 1 to {_VERSIONS}, not {rules.plateau.versions}"
        yield FieldViolation("campaign.stop_rules.plateau.versions", text)


def _held_out_violations(campaign: pb.Campaign) -> Iterator[FieldViolation]:
    held_out, rules = campaign.held_out, campaign.stop_rules
    source = held_out.WhichOneof("source")
    if source is None:
        for field, is_set in (
            ("gate", campaign.HasField("gate")),
            ("stop_rules.target_score", rules.HasField("target_score")),
            ("stop_rules.plateau", rules.HasField("plateau")),
        ):
            if is_set:
                yield FieldViolation(f"campaign.{field}", _JUDGED)
    if source == "imported" and not held_out.imported:
        yield FieldViolation("campaign.held_out.imported", "say true, or leave held_out out for no judging")
    images = held_out.evaluation_images
    if source == "evaluation_images" and not 2 <= images <= EVALUATION_IMAGES:
        text = f"must be 2 to {EVALUATION_IMAGES}, half for validation and half for test, not {images}"
        yield FieldViolation("campaign.held_out.evaluation_images", text)
