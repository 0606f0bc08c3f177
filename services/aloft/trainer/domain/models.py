"""Versions that were made, and what is to be served of them."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Model:
    """A version that was made."""

    campaign: str
    version: int
    base: bool
    promoted: bool
    architecture: str
    artefact_key: str
    artefact_digest: str
    backbone: str
    feature_size: int
    card_key: str
    label_revision: int
    metrics: Mapping[str, float]
    labels: tuple[str, ...] = ()
    """Of the logits, in their order; none of a base version."""
    loss_head: bool = False
    """It foretells losses."""
    archive_key: str = ""
    archive_digest: str = ""
    gate_failure: str = ""
    score: float | None = None
    """What the gate goes by; None where nothing held out is labelled."""
    parent: int = 0
    created_us: int = 0


@dataclass(frozen=True, slots=True)
class Desired:
    """What is to be served of one campaign."""

    campaign: str
    version: int
    generation: int
    archive_key: str
    archive_digest: str
    changed_us: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """What one pod said that it serves of one campaign."""

    campaign: str
    pod: str
    version: int
    generation: int
    digest: str
    state: str
    """`pending`, `served` or `unserved`."""
    error: str
    reported_us: int = 0
