"""The arms that others are compared with, beside `random`."""

from aloft.kit.errors import InvalidArgument
from aloft.simulation.arms import Arm
from aloft.simulation.options import Options


def baselines(options: Options) -> tuple[str, ...]:
    """Read them as results spell them, and refuse one that is not played before anything is."""
    played = [str(Arm.parse(text)) for text in options.strategies]
    named = tuple(str(Arm.parse(text)) for text in options.against)
    for name in named:
        if name not in played:
            raise InvalidArgument.of(
                "against", f"{name} is not played: add it to the strategies, or name {' or '.join(played)}"
            )
    return named
