"""What is compared: a strategy, and what chooses the images that it begins with."""

from dataclasses import dataclass

from aloft import strategies
from aloft.kit.errors import FieldViolation, InvalidArgument
from aloft.strategies import Standing

FIELD = "strategies"
LOSSES = "mll"
"""The column that takes a head which learns to foretell losses."""


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

    def later(self, learned: int, size: int, images: int) -> str:
        """Say which strategy chooses from so many images under a version that learned from some of them."""
        return strategies.in_force(self.expression, Standing(False, learned, size, images))


def arms_of(texts: tuple[str, ...]) -> tuple[Arm, ...]:
    """Read what is to be compared."""
    arms = tuple(Arm.parse(text) for text in texts)
    twice = sorted({str(arm) for arm in arms if arms.count(arm) > 1})
    if twice or not arms:
        said = f"{', '.join(twice)} is there twice" if twice else "there is none"
        raise InvalidArgument.of(FIELD, f"{said}: name each arm once")
    return arms


def check_starts(arms: tuple[Arm, ...], initial: int) -> None:
    """Refuse arms that would begin by what no version says before there are labels."""
    violations = tuple(
        FieldViolation(
            FIELD,
            f"{arm}: {first} reads what a head says, and at first there is none:"
            f" write START>{arm.expression}, such as random>{arm.expression}",
        )
        for arm in arms
        if strategies.needs(first := arm.first(initial)).head
    )
    if violations:
        raise InvalidArgument("UNMET_NEEDS", "there are arms that cannot begin", violations)


def foretell_losses(arms: tuple[Arm, ...]) -> bool:
    """Say whether any arm chooses by foretold losses."""
    return any(LOSSES in strategies.needs(arm.expression).columns for arm in arms)
