"""The steps of the demonstration: how far each is, how long it took, and how long the rest may take."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from aloft.demo.plan import ACTIVE, RANDOM, Plan
from aloft.demo.watch import Seen

ROUND = 100
"""Points of a round, shared out among its parts."""
SELECTED, LABELLED, TRAINED = 10, 30, 80
"""The points that are behind when a part of a round is."""

SERVICES, IMAGES, PRETRAINING, SERVED = "services", "images", "pre-training", "served"


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `done` counts up to `of`; it is over when it gets there."""

    name: str
    said: str
    """What is over when it is over."""
    after: str
    """The step behind which it begins; empty for the first."""
    expected_s: float
    doing: str = ""
    """What it does just now."""
    done: int = 0
    of: int = 1
    begun: float | None = None
    ended: float | None = None

    @property
    def over(self) -> bool:
        """Tell whether it has ended."""
        return self.ended is not None

    def remaining_s(self, now: float) -> float:
        """Guess how long it still takes: from how far it is, or from how long it usually takes."""
        if self.over:
            return 0.0
        if self.begun is None:
            return self.expected_s
        spent = now - self.begun
        usual = max(self.expected_s - spent, 0.5)
        if not self.done:
            return usual
        # What is usual counts the less, the further it is.
        share = self.done / self.of
        return share * spent * (self.of - self.done) / self.done + (1 - share) * usual


def steps_of(plan: Plan, *, served: bool = False) -> list[Step]:
    """List the steps with what they take on two free cores; in the end a model server is asked, if any is."""
    rounds = plan.batches * (4 + plan.training.steps * plan.training.batch_images / 1000 + plan.images / 1000)
    views = plan.pretraining.steps * plan.pretraining.batch_images
    steps = [
        Step(SERVICES, "all four are ready", "", 8.0, "starting; the pool is drawn meanwhile"),
        Step(IMAGES, "registered", SERVICES, 2.0 + plan.images / 400, of=plan.images + plan.test),
        Step(PRETRAINING, "done: one base version for both arms", IMAGES, 5.0 + views / 700, of=ROUND),
        Step(ACTIVE, "", PRETRAINING, rounds, of=plan.batches * ROUND),
        Step(RANDOM, "", PRETRAINING, rounds, of=plan.batches * ROUND),
    ]
    if served:
        steps.append(Step(SERVED, "both final versions answer", RANDOM, 10.0, "being loaded", of=2))
    return steps


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a step is, and what it does."""

    done: int
    doing: str = ""


def advance(steps: Sequence[Step], reached: Mapping[str, Reached], now: float) -> list[Step]:
    """Note how far each step is. A step begins where the one it comes after ends, and ends after it."""
    moved: dict[str, Step] = {}
    for step in steps:
        begins = not step.after or moved[step.after].over
        at = reached.get(step.name, Reached(0))
        done = max(step.done, min(at.done, step.of))
        begun = step.begun if step.begun is not None else (now if begins else None)
        ended = step.ended if step.over else (now if begins and done >= step.of else None)
        moved[step.name] = replace(step, done=done, doing=at.doing or step.doing, begun=begun, ended=ended)
    return list(moved.values())


def reached_by(plan: Plan, active: Seen, random: Seen) -> dict[str, Reached]:
    """Say how far each step is by what was seen; the services are up, or nothing was."""
    base = Reached(ROUND) if active.base_version else Reached(int(ROUND * active.run_progress), active.run)
    return {
        SERVICES: Reached(1),
        IMAGES: Reached(active.registered),
        PRETRAINING: base,
        ACTIVE: arm_reached(plan, active),
        RANDOM: arm_reached(plan, random),
    }


def arm_reached(plan: Plan, seen: Seen) -> Reached:
    """Say in which part of which round a campaign is."""
    behind = min(len(seen.scores), plan.batches)
    if behind == plan.batches:
        return Reached(plan.batches * ROUND, f"{plan.batches} rounds")
    part, doing = _part(plan, seen, behind)
    return Reached(behind * ROUND + part, f"round {behind + 1} of {plan.batches}: {doing}")


def _part(plan: Plan, seen: Seen, behind: int) -> tuple[int, str]:
    if not seen.base_version:
        return 0, "the base version"
    if seen.closed > behind:
        part = LABELLED + int(seen.run_progress * (TRAINED - LABELLED))
        return part, f"training, {seen.run_progress:.0%}" if seen.run else "training"
    if seen.open_batch == behind + 1:
        part = SELECTED + (LABELLED - SELECTED) * seen.done // max(seen.of, 1)
        return part, f"labelling, {seen.done} of {seen.of}"
    if seen.embedded < plan.images:
        return 0, f"embedding, {seen.embedded} of {plan.images}"
    return SELECTED // 2, "ranking"


def eta_s(steps: Sequence[Step], now: float) -> float:
    """Guess how long all of it still takes. The arms run beside one another."""
    arms = [step.remaining_s(now) for step in steps if step.name in (ACTIVE, RANDOM)]
    return sum(step.remaining_s(now) for step in steps if step.name not in (ACTIVE, RANDOM)) + max(arms)
