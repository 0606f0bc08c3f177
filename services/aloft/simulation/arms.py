"""What is compared: a strategy, and what chooses the images that it begins with."""

from dataclasses import dataclass

from aloft import strategies
from aloft.kit.errors import FieldViolation, InvalidArgument
from aloft.strategies import Standing
from aloft.strategies.strategy import Needs

FIELD = "strategies"
COLUMNS = ("bald",)
"""What is written beside the logits of a version, as embedding does."""


@dataclass(frozen=True, slots=True)
class Arm:
    """`expression`, or `start>expression` where another strategy than its own chooses the first images."""

    expression: str
    start: str = ""

    @classmethod
    def parse(cls, text: str) -> "Arm":
        """Read an arm, and check the names in it."""
        start, mark, expression = (part.strip() for part in text.rpartition(">"))
        arm = cls(strategies.check(expression, FIELD), start and strategies.check(start, FIELD))
        if mark and not start:
            raise InvalidArgument.of(FIELD, f"{text!r} names nothing before the >: write START>EXPRESSION")
        return arm

    def __str__(self) -> str:
        return f"{self.start}>{self.expression}" if self.start else self.expression

    def first(self, size: int) -> str:
        """Say which strategy chooses the first images, under a version without a head."""
        return strategies.in_force(self.start or self.expression, Standing(base=True, batch_size=size))

    def later(self, learned: int, size: int) -> str:
        """Say which strategy chooses under a version that learned from so many images."""
        return strategies.in_force(self.expression, Standing(base=False, learned=learned, batch_size=size))


def arms_of(texts: tuple[str, ...]) -> tuple[Arm, ...]:
    """Read what is to be compared."""
    arms = tuple(Arm.parse(text) for text in texts)
    twice = sorted({str(arm) for arm in arms if arms.count(arm) > 1})
    if twice or not arms:
        said = f"{', '.join(twice)} is there twice" if twice else "there is none"
        raise InvalidArgument.of(FIELD, f"{said}: name each arm once")
    return arms


def check_needs(arms: tuple[Arm, ...], initial: int, batch: int, rounds: int) -> None:
    """Refuse arms that would ask for what no version here has, before anything runs."""
    violations = []
    for arm in arms:
        first = arm.first(initial)
        needs = strategies.load(first).needs
        if needs.logits or needs.earlier or needs.columns:
            fix = f"write START>{arm.expression}, such as random>{arm.expression}"
            violations.append(f"{arm}: {first} reads logits, which the first round does not have: {fix}")
        for number in range(rounds):
            violations += _unmet(arm, strategies.load(arm.later(initial + number * batch, batch)).needs)
    if violations:
        fields = tuple(FieldViolation(FIELD, each) for each in dict.fromkeys(violations))
        raise InvalidArgument("UNMET_NEEDS", "there are strategies that cannot be played", fields)


def _unmet(arm: Arm, needs: Needs) -> list[str]:
    there = " and ".join(COLUMNS)
    return [
        f"{arm} reads the column {name!r}, which is not made here: only {there} is"
        for name in needs.columns
        if name not in COLUMNS
    ]
