"""The steps of the demonstration: how far each is, how long it took, and how long the rest may take."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from aloft.demo.plan import Plan
from aloft.demo.watch import Seen


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `done` counts up to `of`; it is over when it gets there."""

    name: str
    said: str
    """What is over when it is over."""
    service: str
    """Whom it waits for while it runs."""
    expected_s: float
    doing: str = ""
    """What it does, where it counts nothing."""
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
        by_count = spent * (self.of - self.done) / self.done if self.done else None
        return by_count if by_count is not None else max(self.expected_s - spent, 0.5)


def steps_of(plan: Plan) -> list[Step]:
    """List the steps with what they take on two free cores."""
    return [
        Step("services", "all four are ready", "", 5.0, "starting; the pool is drawn meanwhile"),
        Step("images", "registered", "label-store", 2.0 + plan.images / 400, of=plan.images),
        Step("model", "version promoted", "trainer", 3.0, "making a base version"),
        Step("features", "embedded", "embedding", 1.0 + plan.images / 200, of=plan.images),
        *(
            Step(f"batch {number}", "labelled", "acquisition", 1.0 + plan.batch_size / 30, of=plan.batch_size)
            for number in range(1, plan.batches + 1)
        ),
    ]


def advance(steps: Sequence[Step], counts: Sequence[int], now: float) -> list[Step]:
    """Note how far each step is. A step begins where the one before it ends, and ends after it."""
    moved: list[Step] = []
    begins = True
    for step, count in zip(steps, counts, strict=True):
        done = max(step.done, min(count, step.of))
        begun = step.begun if step.begun is not None else (now if begins else None)
        ended = step.ended if step.over else (now if begins and done >= step.of else None)
        moved.append(replace(step, done=done, begun=begun, ended=ended))
        begins = ended is not None
    return moved


def counts_of(plan: Plan, seen: Seen) -> list[int]:
    """Say how far each step is by what was seen; the services are up, or nothing was."""
    batches = [_labelled(plan, seen, number) for number in range(1, plan.batches + 1)]
    return [1, seen.registered, min(seen.version, 1), seen.embedded, *batches]


def _labelled(plan: Plan, seen: Seen, number: int) -> int:
    if number <= seen.closed:
        return plan.batch_size
    # Everything may be labelled a moment before the batch is closed: it is not over until it is.
    return min(seen.done, plan.batch_size - 1) if number == seen.open_batch else 0


def eta_s(steps: Sequence[Step], now: float) -> float:
    """Guess how long all of it still takes. Batches to come take what those before them took."""
    batches = [step for step in steps if step.name.startswith("batch")]
    taken = [step.ended - step.begun for step in batches if step.ended is not None and step.begun is not None]
    usual = sum(taken) / len(taken) if taken else None
    return sum(
        usual if usual is not None and step in batches and step.begun is None else step.remaining_s(now)
        for step in steps
    )
