"""What a campaign's selection does next: rank, select, or wait, and for what."""

from dataclasses import dataclass
from enum import StrEnum

EMPTY = "EMPTY"
"""The reason of a batch of which the label store accepted nothing."""


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


@dataclass(frozen=True, slots=True)
class Ranked:
    """The newest ranking."""

    number: int
    version: int
    generation: int
    strategy: str


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
class Situation:
    """All that decides what comes next in one campaign."""

    state: CampaignState
    state_reason: str
    strategy: str
    promoted: int | None
    """The newest promoted version, embedded or not."""
    embedded: Embedded | None
    ranked: Ranked | None
    batch: Batch | None
    applied_revision: int
    """Every label revision up to this one is applied."""
    named_revision: int
    """The highest that a closed batch named."""
    changes: int
    """Grows with everything that can make another selection find what the one before did not."""
    exhausted_at: int | None
    """What `changes` was when a selection last found no image."""


@dataclass(frozen=True, slots=True)
class Rank:
    """Rank this manifest under this strategy."""

    version: int
    generation: int
    strategy: str


@dataclass(frozen=True, slots=True)
class Select:
    """Select this batch from this ranking."""

    batch: int
    ranking: int


@dataclass(frozen=True, slots=True)
class Wait:
    """There is nothing to do until an event comes. The sentence says which; empty while a batch is out."""

    sentence: str


Step = Rank | Select | Wait


def next_step(now: Situation) -> Step:
    """Decide. Rank before selecting, so that no batch is selected from what is known to be old."""
    target = now.embedded
    if target is not None and not _covers(now, target):
        return Rank(target.version, target.generation, now.strategy)
    if now.state is not CampaignState.RUNNING:
        return Wait(_standing_still(now))
    if now.ranked is None or target is None:
        return Wait(_before_the_first_ranking(now))
    if now.batch is not None and not now.batch.closed and now.ranked.version <= now.batch.version:
        return Wait("")
    needed = max(now.named_revision, target.label_revision)
    if now.applied_revision < needed:
        return Wait(f"label revision {needed}; {now.applied_revision} is applied")
    return _select_unless_in_vain(now, now.ranked)


def _covers(now: Situation, target: Embedded) -> bool:
    made = now.ranked
    return made is not None and (made.version, made.generation, made.strategy) == (
        target.version,
        target.generation,
        now.strategy,
    )


def _select_unless_in_vain(now: Situation, ranked: Ranked) -> Step:
    # Without news, another selection would find what the last one found: nothing, or what is not accepted.
    # Waiting for a change is what keeps batches that come back empty from chasing one another.
    if now.exhausted_at == now.changes:
        return Wait("nothing: the pool is exhausted, every image is labelled, out, skipped or quarantined")
    batch = now.batch
    if batch is not None and batch.closed and batch.reason == EMPTY and batch.changes == now.changes:
        return Wait(f"a change: nothing of batch {batch.number} was accepted, and the next would be the same")
    return Select((batch.number if batch else 0) + 1, ranked.number)


def _standing_still(now: Situation) -> str:
    why = f" ({now.state_reason})" if now.state_reason else ""
    if now.state is CampaignState.STOPPED:
        return f"nothing: the campaign has stopped{why}"
    return f"the campaign to run: it is paused{why}"


def _before_the_first_ranking(now: Situation) -> str:
    if now.promoted is None:
        return "a first promoted version of the model"
    return f"the pool to be embedded under version {now.promoted}"
