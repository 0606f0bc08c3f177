"""What a campaign's selection does next: rank, select, or wait, and for what."""

from dataclasses import dataclass
from enum import StrEnum

from aloft.acquisition.domain.situation import Batch, CampaignState, Embedded, Ranked, Refused, Situation

EMPTY = "EMPTY"
"""The reason of a batch of which the label store accepted nothing."""


class Awaited(StrEnum):
    """What a campaign can wait for."""

    STOPPED = "CAMPAIGN_STOPPED"
    PAUSED = "CAMPAIGN_PAUSED"
    VERSION = "NO_VERSION"
    POOL = "POOL_NOT_EMBEDDED"
    LABELS = "BATCH_OUT"
    TRAINING = "TRAINING"
    REVISIONS = "LABEL_REVISIONS_MISSING"
    IMAGES = "POOL_EXHAUSTED"
    ACCEPTANCE = "NOTHING_ACCEPTED"
    NEEDS = "STRATEGY_NEEDS_MORE"


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

    awaited: Awaited
    sentence: str = ""


Step = Rank | Select | Wait


def next_step(now: Situation) -> Step:
    """Decide. Rank before selecting, so that no batch is selected from what is known to be old."""
    target = now.embedded
    if target is not None and not _covers(now.ranked, target) and not _covers(now.refused, target):
        return _missing(now, target) or Rank(target.version, target.generation, target.strategy)
    if now.state is not CampaignState.RUNNING:
        return _standing_still(now)
    if now.promoted is None:
        return Wait(Awaited.VERSION, "a first promoted version of the model")
    if target is not None and now.refused is not None and _covers(now.refused, target):
        return Wait(Awaited.NEEDS, now.refused.why)
    if target is None or now.ranked is None:
        return _for_the_pool(now.promoted)
    if _is_out(now.batch, now.ranked):
        return Wait(Awaited.LABELS)
    return _for_the_newest_version(now, now.promoted, target) or _unless_in_vain(now, now.ranked)


def _covers(made: Ranked | Refused | None, target: Embedded) -> bool:
    return made is not None and (made.version, made.generation, made.strategy) == (
        target.version,
        target.generation,
        target.strategy,
    )


def _is_out(batch: Batch | None, ranked: Ranked) -> bool:
    # A newer version replaces what nobody has touched; new images alone do not.
    return batch is not None and not batch.closed and ranked.version <= batch.version


def _for_the_newest_version(now: Situation, promoted: int, target: Embedded) -> Wait | None:
    revisions = now.revisions
    # A version that failed its gate has learned too: then the last promoted one is selected from again.
    if revisions.learned < revisions.to_learn:
        batch = f"batch {revisions.to_learn_batch}, label revision {revisions.to_learn}"
        return Wait(Awaited.TRAINING, f"the version that is trained on {batch}")
    if target.version < promoted:
        return _for_the_pool(promoted)
    return _missing(now, target, revisions.named)


def _missing(now: Situation, target: Embedded, named: int = 0) -> Wait | None:
    # How rare each label is, and how far the campaign is, decide scores: what a version learned from counts.
    needed, applied = max(named, target.label_revision), now.revisions.applied
    if applied >= needed:
        return None
    return Wait(Awaited.REVISIONS, f"label revision {needed}; {applied} is applied")


def _for_the_pool(promoted: int) -> Wait:
    return Wait(Awaited.POOL, f"the pool to be embedded under version {promoted}")


def _unless_in_vain(now: Situation, ranked: Ranked) -> Step:
    # Without news, another selection would find what the last one found: nothing, or what is not accepted.
    # Waiting for a change is what keeps batches that come back empty from chasing one another.
    if now.exhausted_at == now.changes:
        why = "every image is labelled, out, skipped or quarantined"
        return Wait(Awaited.IMAGES, f"nothing: the pool is exhausted, {why}")
    batch = now.batch
    if batch is not None and batch.closed and batch.reason == EMPTY and batch.changes == now.changes:
        sentence = f"a change: nothing of batch {batch.number} was accepted, and the next would be the same"
        return Wait(Awaited.ACCEPTANCE, sentence)
    return Select((batch.number if batch else 0) + 1, ranked.number)


def _standing_still(now: Situation) -> Wait:
    why = f" ({now.state_reason})" if now.state_reason else ""
    if now.state is CampaignState.STOPPED:
        return Wait(Awaited.STOPPED, f"nothing: the campaign has stopped{why}")
    return Wait(Awaited.PAUSED, f"the campaign to run: it is paused{why}")


def sentence(step: Step) -> str:
    """Say what a campaign's selection waits for, or is at; nothing while a batch is out."""
    match step:
        case Rank():
            return f"the ranking of version {step.version}, generation {step.generation}, by {step.strategy}"
        case Select():
            return f"the selection of batch {step.batch}"
        case wait:
            return wait.sentence
