"""What a chart is before it is written: shapes with their places, in pixels from the upper left."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from PIL import ImageFont

INK, GREY, FAINT = "#24313a", "#6b7a84", "#dde3e6"
SIZE = 12
"""Height of letters."""

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Line:
    """A line through points."""

    points: Sequence[Point]
    colour: str
    width: float = 1.0
    dash: tuple[float, float] | None = None
    """How long its dashes and gaps are, where it is not whole."""


@dataclass(frozen=True, slots=True)
class Area:
    """What points enclose, filled so that what lies beneath is seen."""

    points: Sequence[Point]
    colour: str
    opacity: float


@dataclass(frozen=True, slots=True)
class Dot:
    """A mark, and what a page says of it when it is pointed at."""

    at: Point
    colour: str
    radius: float = 3.2
    said: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """Letters whose middle line runs through a point."""

    at: Point
    text: str
    anchor: Literal["start", "middle", "end"] = "start"
    colour: str = INK
    size: int = SIZE


Shape = Line | Area | Dot | Text


@dataclass(frozen=True, slots=True)
class Drawing:
    """A chart: what it shows in words, its measures, and its shapes, the lowest first."""

    title: str
    width: int
    height: int
    shapes: Sequence[Shape]


@cache
def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Give the letters that pictures are written with."""
    return ImageFont.load_default(size)


def text_width(text: str, size: int = SIZE) -> float:
    """Say how wide letters come out, with room for the fonts of pages, which differ."""
    return 1.12 * font(size).getlength(text)
