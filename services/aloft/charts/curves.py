"""Curves with bands, each with its name at its end."""

from collections.abc import Sequence
from dataclasses import dataclass

from aloft.charts.axis import Axis, written
from aloft.charts.drawing import FAINT, GREY, SIZE, Area, Dot, Drawing, Line, Point, Shape, Text, text_width
from aloft.charts.styles import Style

WIDTH, HEIGHT = 900, 460
LEFT, TOP, BOTTOM = 58, 44, 50
REACH, SAMPLE = 20, 24
"""From the end of a curve to a sample of its line, and how long that is: its name stands behind it."""
APART = SIZE + 3
"""Between the middles of two names."""
BAND = 0.13


@dataclass(frozen=True, slots=True)
class Curve:
    """A line over the same places as the others', and how sure it is at each."""

    name: str
    style: Style
    values: Sequence[float]
    band: Sequence[tuple[float, float]] = ()
    """Low and high ends at each place; none where nothing is known of chance."""


def curves(title: str, places: Sequence[float], lines: Sequence[Curve], along: str) -> Drawing:
    """Lay out a chart: bands beneath, then curves, the first above the others."""
    height = max(HEIGHT, TOP + BOTTOM + APART * len(lines))
    right = REACH + SAMPLE + 18 + max(text_width(line.name) for line in lines)
    x = Axis(places[0], max(places[-1], places[0] + 1), LEFT, WIDTH - right)
    seen = [value for line in lines for value in (*line.values, *(end for ends in line.band for end in ends))]
    y = Axis.around(seen, height - BOTTOM, TOP, least=0.02)
    shapes = [*_grid(title, x, y, along, places)]
    shapes += [_band(line, x, y, places) for line in lines if line.band]
    for line in reversed(lines):
        shapes += _line(line, x, y, places)
    shapes += _names(lines, x, y, height)
    return Drawing(title, WIDTH, height, shapes)


def _grid(title: str, x: Axis, y: Axis, along: str, places: Sequence[float]) -> list[Shape]:
    levels = y.levels()
    shapes: list[Shape] = [Text((LEFT, 16), title, size=SIZE + 3)]
    for level, said in zip(levels, written(levels), strict=True):
        shapes.append(Line([(x.start, y.at(level)), (x.end, y.at(level))], FAINT))
        shapes.append(Text((LEFT - 8, y.at(level)), said, "end", GREY))
    last = -1000.0
    for place in places:
        if x.at(place) - last > text_width(f"{place:g}") + 10:
            last = x.at(place)
            shapes.append(Line([(last, y.start), (last, y.start + 4)], GREY))
            shapes.append(Text((last, y.start + 14), f"{place:g}", "middle", GREY))
    shapes.append(Text(((x.start + x.end) / 2, y.start + 34), along, "middle", GREY))
    return shapes


def _band(line: Curve, x: Axis, y: Axis, places: Sequence[float]) -> Area:
    low = [(x.at(place), y.at(ends[0])) for place, ends in zip(places, line.band, strict=True)]
    high = [(x.at(place), y.at(ends[1])) for place, ends in zip(places, line.band, strict=True)]
    return Area([*low, *reversed(high)], line.style.colour, BAND)


def _line(line: Curve, x: Axis, y: Axis, places: Sequence[float]) -> list[Shape]:
    at: list[Point] = [(x.at(place), y.at(value)) for place, value in zip(places, line.values, strict=True)]
    said = [
        f"{line.name}: {value:.3f} at {place:g}" for place, value in zip(places, line.values, strict=True)
    ]
    dots = [Dot(one, line.style.colour, said=text) for one, text in zip(at, said, strict=True)]
    return [Line(at, line.style.colour, 2.2, line.style.dash), *dots]


def _names(lines: Sequence[Curve], x: Axis, y: Axis, height: int) -> list[Shape]:
    """Write names beside the ends of their curves, moved apart where those lie close together."""
    order = sorted(lines, key=lambda line: y.at(line.values[-1]))
    ends = [y.at(line.values[-1]) for line in order]
    shapes: list[Shape] = []
    for line, end, beside in zip(order, ends, spread(ends, TOP, height - BOTTOM), strict=True):
        sample = x.end + REACH
        shapes.append(Line([(x.end + 6, end), (sample, beside)], line.style.colour, 0.6))
        shapes.append(
            Line([(sample, beside), (sample + SAMPLE, beside)], line.style.colour, 2.2, line.style.dash)
        )
        shapes.append(Text((sample + SAMPLE + 6, beside), line.name, colour=line.style.colour))
    return shapes


def spread(wanted: Sequence[float], first: float, last: float) -> list[float]:
    """Move ascending places apart, those that are too close about their middle, and all within bounds."""
    groups: list[_Group] = []
    for place in wanted:
        group = _Group(place, 1, first, last)
        while groups and groups[-1].end > group.start:
            group = groups.pop().with_next(group)
        groups.append(group)
    return [group.start + APART * (number + 0.5) for group in groups for number in range(group.count)]


@dataclass(frozen=True, slots=True)
class _Group:
    """Places that touch one another, as near to their middle as the bounds allow."""

    middle: float
    count: int
    first: float
    last: float

    @property
    def start(self) -> float:
        length = APART * self.count
        return min(max(self.middle - length / 2, self.first), self.last - length)

    @property
    def end(self) -> float:
        return self.start + APART * self.count

    def with_next(self, other: "_Group") -> "_Group":
        count = self.count + other.count
        middle = (self.middle * self.count + other.middle * other.count) / count
        return _Group(middle, count, self.first, self.last)
