"""A campaign, as far as training goes: where its base version comes from, how it trains, what is promoted."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from aloft import strategies
from aloft.imagery import ImageSpec
from aloft.kit.errors import InvalidArgument

ARCHITECTURE = "resnet18"
"""Of a campaign that names none."""

SIMCLR = "simclr"

APART = 2
"""The fewest images that pre-training can tell apart from one another."""
_STEPS, _BATCH_IMAGES = 10_000_000, 65_536
"""As many as a campaign may ask for."""

MLL = "mll"
"""The column with the losses that a version foretells."""


class State(StrEnum):
    """Whether a campaign goes on."""

    PAUSED = "paused"
    RUNNING = "running"
    STOPPED = "stopped"


class Mode(StrEnum):
    """What training changes: the whole network, or its head alone."""

    FULL = "full"
    PROBE = "probe"


@dataclass(frozen=True, slots=True)
class Pretraining:
    """Learning from the images of the pool without labels."""

    method: str = SIMCLR
    steps: int = 2000
    batch_images: int = 256
    learning_rate: float = 1e-3
    seed: int = 0

    def problems(self) -> Iterator[tuple[str, str]]:
        """Name the fields that make no sense, and say why."""
        if self.method != SIMCLR:
            yield "method", f"must be {SIMCLR}, not {self.method!r}"
        if not 1 <= self.steps <= _STEPS:
            yield "steps", f"must be 1 to {_STEPS}, not {self.steps}"
        if not APART <= self.batch_images <= _BATCH_IMAGES:
            yield "batch_images", f"must be {APART} to {_BATCH_IMAGES}, not {self.batch_images}"
        if not 0 < self.learning_rate <= 1:
            yield "learning_rate", f"must be above 0 and at most 1, not {self.learning_rate}"


@dataclass(frozen=True, slots=True)
class Base:
    """Where a base version comes from: the pool, a checkpoint in the aloft bucket, or else the seed."""

    architecture: str = ARCHITECTURE
    seed: int = 0
    checkpoint_key: str = ""
    pretraining: Pretraining | None = None


@dataclass(frozen=True, slots=True)
class Training:
    """How a version is trained on label sets. Steps and what follows speak of the mode `full`."""

    mode: Mode = Mode.FULL
    steps: int = 600
    batch_images: int = 32
    learning_rate: float = 1e-3
    seed: int = 0
    loss_head: bool = False
    """The version is also to foretell its losses."""


@dataclass(frozen=True, slots=True)
class Gate:
    """What a version's score must reach to be promoted; nothing where it is None."""

    minimum: float | None = None
    max_drop: float | None = None


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign, as the label store's events have told so far."""

    id: str
    version: int
    state: State
    spec: ImageSpec
    base: Base
    training: Training = Training()
    gate: Gate = Gate()
    labels: tuple[str, ...] = ()
    """The taxonomy, in its order."""
    strategy: str = ""
    evaluation_images: int = 0
    """Of the batch that is labelled before the first run, for versions to be judged by; 0: there is none."""
    newest_version: int = 0
    """The last that was allocated."""
    applied_revision: int = 0
    """Every label revision up to this one is applied."""
    wanted_revision: int = 0
    """The last that a closed batch asked a version for."""
    covered_revision: int = 0
    """The last that a fine-tuning run was created for, whatever became of it."""
    evaluation_closed: bool = False
    heard_us: int = 0
    """When the newest event was said."""

    @property
    def needs_losses(self) -> bool:
        """Whether its strategy ranks by losses that versions foretell; no if it is not understood here."""
        try:
            return MLL in strategies.needs(self.strategy).columns
        except InvalidArgument:
            return False
