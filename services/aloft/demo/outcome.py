"""What a demonstration ended with, as the public API told it: both arms, round by round."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from aloft.demo.plan import ACTIVE, RANDOM, Plan

SCORE = "test/map_macro"
AP = "test/ap/"


@dataclass(frozen=True, slots=True)
class Chosen:
    """An image that a batch sent out, why, and what the vendor found on it."""

    image: str
    key: str
    why: str
    shown: Sequence[str]


@dataclass(frozen=True, slots=True)
class Round:
    """A batch, and the version that was trained when it had closed."""

    number: int
    strategy: str
    version: int
    """Which version learned from it."""
    labelled: int
    """How many images were labelled when it closed, those of earlier batches with them."""
    chosen: Sequence[Chosen]
    """In the order in which they were chosen."""
    metrics: Mapping[str, float]
    seconds: Mapping[str, float]
    """How long each stage took, by its name."""

    @property
    def score(self) -> float:
        """The macro mean average precision on the held-out images."""
        return self.metrics[SCORE]

    @property
    def positives(self) -> Mapping[str, int]:
        """How many of its images show each label."""
        found: dict[str, int] = {}
        for one in self.chosen:
            for label in one.shown:
                found[label] = found.get(label, 0) + 1
        return found


@dataclass(frozen=True, slots=True)
class Served:
    """What the model server answered a held-out image in the end, where anybody can ask it."""

    version: int
    digest: str
    """Of the archive that the version was loaded from."""
    predicted: Sequence[str]
    shown: Sequence[str]
    """What the image really shows."""

    def sentence(self) -> str:
        """Say it in a line."""
        said, true = (", ".join(one) or "nothing" for one in (self.predicted, self.shown))
        return f"version {self.version} (sha256 {self.digest[:12]}…) says {said}, and it shows {true}"


@dataclass(frozen=True, slots=True)
class ArmOutcome:
    """One campaign."""

    campaign: str
    strategy: str
    rounds: Sequence[Round]
    stopped: str
    """Which rule stopped it."""
    served: Served | None = None
    """None where versions answer inside a service alone."""

    @property
    def curve(self) -> list[tuple[int, float]]:
        """Give the score after each number of labels."""
        return [(one.labelled, one.score) for one in self.rounds]

    @property
    def final(self) -> float:
        """The score when the budget is spent."""
        return self.rounds[-1].score

    def ap(self, label: str) -> float | None:
        """Give a label's average precision in the end; none where no held-out image could tell."""
        return self.rounds[-1].metrics.get(AP + label)

    def average_seconds(self) -> dict[str, float]:
        """Say how long each stage of a round took, on average over the rounds that had it."""
        taken: dict[str, list[float]] = {}
        for one in self.rounds:
            for stage, seconds in one.seconds.items():
                taken.setdefault(stage, []).append(seconds)
        return {stage: sum(values) / len(values) for stage, values in taken.items()}

    def positives(self, label: str) -> int:
        """Count the labelled images that show a label."""
        return sum(one.positives.get(label, 0) for one in self.rounds)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Everything that tables and report show."""

    plan: Plan
    active: ArmOutcome
    random: ArmOutcome
    pool: Mapping[str, int]
    """How many images of the pool show each label."""
    seconds: float
    stages: Mapping[str, float] = field(default_factory=dict)
    """How long each stage before the rounds took, by its name."""
    peak_mb: float = 0.0
    """The most memory that all processes held, each at its own time."""
    ran_on: Mapping[str, str] = field(default_factory=dict)
    """What each server was, by its name; none where it ran embedded."""

    @property
    def gain(self) -> float:
        """By how much the active arm ends above the other."""
        return self.active.final - self.random.final

    def labels(self) -> list[str]:
        """Name the labels, the rarest first."""
        return sorted(self.pool, key=lambda label: (self.pool[label], label))

    def reached(self) -> float | None:
        """Say with how many labels the active arm reached what random ended with; none if it never did."""
        wanted, before = self.random.final, (0, 0.0)
        for at in self.active.curve:
            if at[1] >= wanted:
                rise = at[1] - before[1]
                share = (wanted - before[1]) / rise if rise > 0 and before[0] else 1.0
                return before[0] + share * (at[0] - before[0])
            before = at
        return None

    def saved(self) -> float | None:
        """Say what part of the budget that saves."""
        reached = self.reached()
        return None if reached is None else 1 - reached / self.random.curve[-1][0]


def as_dict(outcome: Outcome) -> dict[str, Any]:
    """Write an outcome for a script."""
    plan, saved = outcome.plan, outcome.saved()
    return {
        "images": plan.images,
        "test_images": plan.test,
        "budget": plan.budget,
        "strategy": plan.strategy,
        "architecture": plan.architecture,
        "seed": plan.seed,
        "seconds": round(outcome.seconds, 2),
        "peak_mb": round(outcome.peak_mb),
        "stages": {name: round(value, 2) for name, value in outcome.stages.items()},
        "gain": round(outcome.gain, 4),
        "labels_saved": None if saved is None else round(saved, 4),
        "ran_on": dict(outcome.ran_on),
        "arms": {ACTIVE: _arm(outcome.active), RANDOM: _arm(outcome.random)},
        "labels": {
            label: {
                "pool": outcome.pool[label],
                "active": outcome.active.positives(label),
                "random": outcome.random.positives(label),
                "active_ap": outcome.active.ap(label),
                "random_ap": outcome.random.ap(label),
            }
            for label in outcome.labels()
        },
    }


def _arm(arm: ArmOutcome) -> dict[str, Any]:
    return {
        "campaign": arm.campaign,
        "served": None if arm.served is None else asdict(arm.served),
        "strategy": arm.strategy,
        "stopped": arm.stopped,
        "rounds": [
            {
                "batch": one.number,
                "strategy": one.strategy,
                "model_version": one.version,
                "labelled": one.labelled,
                "map_macro": round(one.score, 4),
                "labels": dict(one.positives),
                "seconds": {name: round(value, 2) for name, value in one.seconds.items()},
                "why": [{"image": each.image, "sentence": each.why} for each in one.chosen[:3]],
            }
            for one in arm.rounds
        ],
    }
