"""How the lines of a chart are told apart."""

from collections.abc import Sequence
from dataclasses import dataclass

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b8860b", "#56b4e9")
"""After Okabe and Ito's palette (2008), which people of every colour vision tell apart; its yellow and orange
are one darker tone here, to be seen on white."""
DASHES = (None, (7.0, 3.0), (2.0, 3.0))
PLAIN = "#4d4d4d"


@dataclass(frozen=True, slots=True)
class Style:
    """A colour and, where colours run out, dashes."""

    colour: str
    dash: tuple[float, float] | None = None


def styles(names: Sequence[str], plain: str | None = None) -> dict[str, Style]:
    """Give each name its style, the same in every chart; what the others are judged against is plain grey."""
    others = [name for name in names if name != plain]
    answer = {
        name: Style(COLOURS[at % len(COLOURS)], DASHES[at // len(COLOURS) % len(DASHES)])
        for at, name in enumerate(others)
    }
    return answer | ({plain: Style(PLAIN)} if plain in names and plain is not None else {})
