"""What a campaign may be: the defaults of what was left open, and everything that is wrong with the rest."""

import math
import re
from collections.abc import Iterator

from aloft import strategies
from aloft.api.labels.v1 import campaign_pb2 as pb
from aloft.kit.clock import SECOND
from aloft.kit.errors import FieldViolation, InvalidArgument
from aloft.kit.ids import SLUG_RULE, is_slug
from aloft.label_store.domain import learning, texts
from aloft.label_store.domain.durations import LONGEST_US, TOO_LONG

MUTABLE = ("display_name", "strategy", "batch_policy", "budget", "training", "gate", "stop_rules")
"""What an update may change; a campaign's taxonomy, images and first version are what it is."""

OUTPUT_ONLY = (
    "name",
    "state",
    "state_reason",
    "version",
    "label_revision",
    "etag",
    "create_time",
    "update_time",
)
"""What the label store says of a campaign and nobody sets."""

LABELS = 1000
BATCH_IMAGES = 5_000
"""As many as fit into one event, each with its sentence."""
TAXONOMY_BYTES = 512 * 1024
PIXELS = 4096
BANDS = 64
OVERLAP = 9
SHORTEST_BATCH_US = 60 * SECOND
"""Where nobody labels, a batch after another is selected and closed so often."""
COLUMNS = frozenset({"key", "split"})
"""Columns of a manifest that no label can be named for."""
_ARCHITECTURE = re.compile(r"[a-z0-9][a-z0-9_.]*")


def completed(asked: pb.Campaign) -> pb.Campaign:
    """Copy what a client may set, with the default in every place that was left open."""
    campaign = pb.Campaign()
    campaign.CopyFrom(asked)
    for field in OUTPUT_ONLY:
        campaign.ClearField(field)  # type: ignore[arg-type]
    campaign.taxonomy.version = campaign.taxonomy.version or 1
    campaign.overlap = campaign.overlap or 1
    campaign.strategy.expression = campaign.strategy.expression.strip() or strategies.DEFAULT
    campaign.batch_policy.size = campaign.batch_policy.size or 40
    campaign.batch_policy.close_fraction = campaign.batch_policy.close_fraction or 1.0
    _complete_image_spec(campaign.image_spec)
    campaign.base_model.architecture = campaign.base_model.architecture or "resnet18"
    if campaign.base_model.WhichOneof("source") is None:
        campaign.base_model.pretraining.SetInParent()
    campaign.budget.SetInParent()
    learning.complete(campaign)
    return campaign


def _complete_image_spec(spec: pb.ImageSpec) -> None:
    spec.height = spec.height or 64
    spec.width = spec.width or 64
    spec.bands = spec.bands or 3
    bands = min(max(spec.bands, 0), BANDS)
    if not spec.mean:
        spec.mean.extend([0.5] * bands)
    if not spec.std:
        spec.std.extend([0.25] * bands)


def check(campaign_id: str, campaign: pb.Campaign) -> None:
    """Raise `InvalidArgument` naming every violation at once."""
    violations = list(_id_violations(campaign_id)) + list(violations_of(campaign))
    refuse(violations)


def refuse(violations: list[FieldViolation]) -> None:
    """Raise `InvalidArgument` for violations, if there are any."""
    if violations:
        message = "; ".join(f"{violation.field}: {violation.description}" for violation in violations)
        raise InvalidArgument("INVALID_CAMPAIGN", message, tuple(violations))


def violations_of(campaign: pb.Campaign) -> Iterator[FieldViolation]:
    """Name everything that is wrong with a completed campaign."""
    yield from texts.violations_of(campaign.display_name, "campaign.display_name")
    yield from _taxonomy_violations(campaign.taxonomy)
    yield from _image_spec_violations(campaign.image_spec)
    yield from _strategy_violations(campaign.strategy)
    yield from _batch_policy_violations(campaign.batch_policy)
    yield from _budget_violations(campaign.budget)
    yield from _base_model_violations(campaign.base_model)
    yield from learning.violations_of(campaign)
    if not 1 <= campaign.overlap <= OVERLAP:
        yield FieldViolation("campaign.overlap", f"must be 1 to {OVERLAP}, not {campaign.overlap}")


def _id_violations(campaign_id: str) -> Iterator[FieldViolation]:
    if not is_slug(campaign_id):
        yield FieldViolation("campaign_id", SLUG_RULE)


def _taxonomy_violations(taxonomy: pb.Taxonomy) -> Iterator[FieldViolation]:
    if not 1 <= len(taxonomy.labels) <= LABELS:
        yield FieldViolation(
            "campaign.taxonomy.labels", f"give 1 to {LABELS} labels, not {len(taxonomy.labels)}"
        )
    if taxonomy.ByteSize() > TAXONOMY_BYTES:
        size = taxonomy.ByteSize()
        text = f"at most {TAXONOMY_BYTES} bytes with its guidelines, not {size}: link to longer ones"
        yield FieldViolation("campaign.taxonomy", text)
    seen: dict[str, int] = {}
    for index, label in enumerate(taxonomy.labels):
        field = f"campaign.taxonomy.labels[{index}].id"
        if not is_slug(label.id):
            yield FieldViolation(field, SLUG_RULE)
        elif seen.setdefault(label.id, index) != index:
            yield FieldViolation(
                field, f"{label.id!r} is also the id of labels[{seen[label.id]}]; ids are unique"
            )
        elif label.id in COLUMNS:
            yield FieldViolation(field, f"{label.id!r} is a column of manifests: give it another id")


def _image_spec_violations(spec: pb.ImageSpec) -> Iterator[FieldViolation]:
    for name, value, limit in (
        ("height", spec.height, PIXELS),
        ("width", spec.width, PIXELS),
        ("bands", spec.bands, BANDS),
    ):
        if not 1 <= value <= limit:
            yield FieldViolation(f"campaign.image_spec.{name}", f"must be 1 to {limit}, not {value}")
    for name, values in (("mean", spec.mean), ("std", spec.std)):
        if len(values) != spec.bands:
            text = f"give one value for each of the {spec.bands} bands, not {len(values)}"
            yield FieldViolation(f"campaign.image_spec.{name}", text)
        if not all(math.isfinite(value) for value in values):
            yield FieldViolation(f"campaign.image_spec.{name}", "every value must be a finite number")
    if any(value <= 0 for value in spec.std):
        yield FieldViolation(
            "campaign.image_spec.std", "every value must be above 0: bands are divided by it"
        )


def _strategy_violations(strategy: pb.Strategy) -> Iterator[FieldViolation]:
    try:
        strategies.check(strategy.expression)
    except InvalidArgument as unknown:
        yield from unknown.violations


def _batch_policy_violations(policy: pb.BatchPolicy) -> Iterator[FieldViolation]:
    if not 1 <= policy.size <= BATCH_IMAGES:
        yield FieldViolation("campaign.batch_policy.size", f"must be 1 to {BATCH_IMAGES}, not {policy.size}")
    if not 0 < policy.close_fraction <= 1:
        text = f"must be above 0 and at most 1, not {policy.close_fraction}"
        yield FieldViolation("campaign.batch_policy.close_fraction", text)
    if policy.HasField("close_after"):
        close_after_us = policy.close_after.ToMicroseconds()
        if not SHORTEST_BATCH_US <= close_after_us <= LONGEST_US:
            text = TOO_LONG if close_after_us > LONGEST_US else "must be a minute at least"
            yield FieldViolation("campaign.batch_policy.close_after", f"{text}; leave it out for never")


def _budget_violations(budget: pb.Budget) -> Iterator[FieldViolation]:
    for name, value in (("images", budget.images), ("annotations", budget.annotations)):
        if value < 0:
            yield FieldViolation(f"campaign.budget.{name}", f"must not be negative ({value}); 0 is no limit")


def _base_model_violations(base: pb.BaseModel) -> Iterator[FieldViolation]:
    if not _ARCHITECTURE.fullmatch(base.architecture):
        text = f"give the name of a network such as resnet18, not {base.architecture!r}"
        yield FieldViolation("campaign.base_model.architecture", text)
    if base.WhichOneof("source") == "checkpoint_key" and not base.checkpoint_key.strip():
        yield FieldViolation("campaign.base_model.checkpoint_key", "name an object in the aloft bucket")
