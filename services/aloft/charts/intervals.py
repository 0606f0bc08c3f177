"""Values with their intervals, beneath one another, against a line at nought."""

from collections.abc import Sequence
from dataclasses import dataclass

from aloft.charts.axis import Axis, written
from aloft.charts.drawing import FAINT, GREY, SIZE, Dot, Drawing, Line, Shape, Text, text_width
from aloft.charts.styles import Style

WIDTH, TOP, BOTTOM, ROW = 900, 44, 34, 24


@dataclass(frozen=True, slots=True)
class Span:
    """One row: a value, and where it may lie."""

    name: str
    style: Style
    value: float
    low: float | None
    high: float | None
    said: str
    """The figures in words, at the right."""


def intervals(title: str, spans: Sequence[Span]) -> Drawing:
    """Lay out a chart, one row below the other in the order given."""
    height = TOP + ROW * len(spans) + BOTTOM
    left = 20 + max(text_width(span.name) for span in spans)
    right = 20 + max(text_width(span.said) for span in spans)
    ends = [end for span in spans for end in (span.value, span.low, span.high) if end is not None]
    x = Axis.around([0.0, *ends], left, WIDTH - right)
    levels = x.levels()
    shapes: list[Shape] = [Text((12, 16), title, size=SIZE + 3)]
    for level, said in zip(levels, written(levels), strict=True):
        at = x.at(level)
        shapes.append(Line([(at, TOP - 8), (at, height - BOTTOM)], FAINT))
        shapes.append(Text((at, height - BOTTOM + 14), said, "middle", GREY))
    shapes.append(Line([(x.at(0), TOP - 8), (x.at(0), height - BOTTOM)], GREY, 1.4))
    for number, span in enumerate(spans):
        shapes += _row(span, x, TOP + ROW * (number + 0.5))
    return Drawing(title, WIDTH, height, shapes)


def _row(span: Span, x: Axis, y: float) -> list[Shape]:
    shapes: list[Shape] = [Text((x.start - 10, y), span.name, "end", span.style.colour)]
    if span.low is not None and span.high is not None:
        ends = (x.at(span.low), x.at(span.high))
        shapes.append(Line([(ends[0], y), (ends[1], y)], span.style.colour, 2.2))
        shapes += [Line([(end, y - 4), (end, y + 4)], span.style.colour, 1.4) for end in ends]
    shapes.append(Dot((x.at(span.value), y), span.style.colour, 4.5, span.said))
    shapes.append(Text((x.end + 10, y), span.said, colour=GREY))
    return shapes
