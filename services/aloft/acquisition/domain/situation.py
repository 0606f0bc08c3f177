"""All that decides what a campaign's selection does next."""

from dataclasses import dataclass
from enum import StrEnum


class CampaignState(StrEnum):
    """Whether anything is to be selected."""

    PAUSED = "paused"
    RUNNING = "running"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Embedded:
    """The newest promoted version whose pool is embedded, and its newest manifest."""

    version: int
    generation: int
    label_revision: int
    """What the version learned from."""
    strategy: str
    """What the campaign's strategy means under it."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """The newest ranking."""

    number: int
    version: int
    generation: int
    strategy: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A version's pool that a strategy cannot work on: it lacks what the strategy needs."""

    version: int
    generation: int
    strategy: str
    why: str


@dataclass(frozen=True, slots=True)
class Batch:
    """The newest batch."""

    number: int
    version: int
    closed: bool
    reason: str
    """Why it closed."""
    changes: int
    """What `Situation.changes` was when it was selected."""


@dataclass(frozen=True, slots=True)
class Revisions:
    """How far the labels of a campaign have come, each a label revision."""

    applied: int = 0
    """Every one up to this is applied here."""
    named: int = 0
    """The highest that a closed batch named."""
    to_learn: int = 0
    """The highest that a closed batch named for a version to be trained on."""
    to_learn_batch: int = 0
    """The batch that named it."""
    learned: int = 0
    """The highest that a published version has learned from, promoted or not."""


@dataclass(frozen=True, slots=True)
class Situation:
    """How one campaign stands at one moment."""

    state: CampaignState
    state_reason: str
    promoted: int | None
    """The newest promoted version, embedded or not."""
    embedded: Embedded | None
    ranked: Ranked | None
    batch: Batch | None
    revisions: Revisions
    changes: int
    """Grows with everything that can make another selection find what the one before did not."""
    exhausted_at: int | None
    """What `changes` was when a selection last found no image."""
    refused: Refused | None = None
    """The last pool that could not be ranked."""
