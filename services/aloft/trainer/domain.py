"""What the trainer speaks of: where a base version comes from, runs, versions, what a campaign waits for."""

from collections.abc import Mapping
from dataclasses import dataclass

from aloft.imagery import ImageSpec

ARCHITECTURE = "resnet18"
"""Of a campaign that names none."""


@dataclass(frozen=True, slots=True)
class Base:
    """Where a base version comes from: a checkpoint in the aloft bucket, or else the seed."""

    architecture: str = ARCHITECTURE
    seed: int = 0
    checkpoint_key: str = ""


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign, as far as training goes."""

    id: str
    version: int
    running: bool
    spec: ImageSpec
    base: Base
    newest_version: int = 0
    """The last that was allocated."""


@dataclass(frozen=True, slots=True)
class Run:
    """One job that makes one version, and is called by its number."""

    campaign: str
    version: int
    job: str
    base: Base
    created_us: int


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
    created_us: int = 0


def waiting_for(campaign: Campaign, newest: Model | None, last: Run | None, state: str, said: str) -> str:
    """Say in a sentence what the training waits for: of the last run its state, and its progress or error."""
    if last is not None and state == "running":
        return f"run {last.version}, which is at work: {said or 'starting'}"
    if last is not None and state == "queued":
        return f"run {last.version}: " + (f"its last attempt failed: {said}" if said else "it is queued")
    if newest is not None:
        return ""
    if last is None:
        return "the campaign to be resumed: its base version is made when it first runs"
    return (
        f"another run, to be created by an operator: run {last.version} {state}{': ' if said else ''}{said}"
    )
