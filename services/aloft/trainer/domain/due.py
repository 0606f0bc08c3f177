"""What a campaign's training does next: make a base version, fine-tune, or wait, and for what."""

from dataclasses import dataclass
from enum import StrEnum

from aloft.trainer.domain.campaign import APART, State


@dataclass(frozen=True, slots=True)
class Situation:
    """All that decides what comes next in one campaign."""

    state: State
    from_images: bool
    """Whether the base version is to be learned from the pool."""
    images: bool
    """Whether the pool has enough of them that can be used."""
    newest_run: int | None
    live_run: int | None
    """The run that is queued or at work."""
    base: int | None
    """The newest base version."""
    wanted_revision: int
    applied_revision: int
    covered_revision: int
    evaluation_open: bool
    """Whether the images that versions are judged by are still being labelled."""
    losses_lacking: bool = False
    """The strategy ranks by losses, and the last run on labels learned to foretell none."""


class Waits(StrEnum):
    """What training can wait for."""

    RUN = "RUN"
    CAMPAIGN_PAUSED = "CAMPAIGN_PAUSED"
    CAMPAIGN_STOPPED = "CAMPAIGN_STOPPED"
    NO_IMAGES = "NO_IMAGES"
    OPERATOR = "OPERATOR"
    LABEL_REVISIONS = "LABEL_REVISIONS"
    EVALUATION_BATCH = "EVALUATION_BATCH"
    LABELS = "LABELS"


@dataclass(frozen=True, slots=True)
class MakeBase:
    """Make the campaign's base version."""


@dataclass(frozen=True, slots=True)
class FineTune:
    """Train a version on the label sets up to this revision, from this base version."""

    revision: int
    parent: int


@dataclass(frozen=True, slots=True)
class Wait:
    """There is nothing to begin. The sentence says what training waits for."""

    what: Waits
    sentence: str = ""


Step = MakeBase | FineTune | Wait


def next_step(now: Situation) -> Step:
    """Decide. One run at a time, and none twice for what a run was created for."""
    if now.live_run is not None:
        return Wait(Waits.RUN, f"run {now.live_run}")
    if now.base is None:
        return _base(now)
    # Without it nothing can be ranked, and so no batch would ever bring a version that foretells losses.
    again = now.losses_lacking and now.state is State.RUNNING
    if now.wanted_revision <= now.covered_revision and not again:
        return _idle(now)
    if now.evaluation_open:
        return Wait(Waits.EVALUATION_BATCH, "the evaluation batch to be labelled: versions are judged by it")
    if now.applied_revision < now.wanted_revision:
        missing = f"label revision {now.wanted_revision}; {now.applied_revision} is applied"
        return Wait(Waits.LABEL_REVISIONS, missing)
    if now.state is State.PAUSED:
        return Wait(Waits.CAMPAIGN_PAUSED, "the campaign to be resumed: there are labels to learn from")
    return FineTune(now.applied_revision, now.base)


def _base(now: Situation) -> Step:
    # A version that was allocated has a run, whatever became of it: another is an operator's decision.
    if now.newest_run is not None:
        return Wait(
            Waits.OPERATOR, f"another run, to be created by an operator: run {now.newest_run} made no version"
        )
    if now.state is State.PAUSED:
        return Wait(
            Waits.CAMPAIGN_PAUSED, "the campaign to be resumed: its base version is made when it first runs"
        )
    if now.state is State.STOPPED:
        return Wait(Waits.CAMPAIGN_STOPPED, "nothing: the campaign has stopped before it had a version")
    if now.from_images and not now.images:
        few = f"the pool, which has fewer than {APART}"
        return Wait(Waits.NO_IMAGES, f"images: the base version is learned from {few}")
    return MakeBase()


def _idle(now: Situation) -> Wait:
    if now.state is State.STOPPED:
        return Wait(Waits.CAMPAIGN_STOPPED, "nothing: the campaign has stopped")
    if now.state is State.PAUSED:
        return Wait(Waits.CAMPAIGN_PAUSED, "the campaign to be resumed")
    return Wait(Waits.LABELS, "a batch to be labelled: no labels are new since the last run")
