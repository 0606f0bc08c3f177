"""A drawing as a PNG."""

import io
import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from PIL import Image, ImageDraw

from aloft.charts.drawing import Area, Dot, Drawing, Line, Point, Shape, Text, font

SCALE = 2
"""Pixels of the picture for one of the drawing: it is read on fine screens and on paper."""
SHARP = 2
"""It is drawn larger still and made smaller, so that lines come out smooth."""
_TIMES = SCALE * SHARP
_ANCHORS = {"start": "lm", "middle": "mm", "end": "rm"}


def png(drawing: Drawing) -> bytes:
    """Write it on white."""
    image = Image.new("RGB", (drawing.width * _TIMES, drawing.height * _TIMES), "white")
    for shape in drawing.shapes:
        _draw(image, shape)
    data = io.BytesIO()
    image.reduce(SHARP).save(data, "PNG")
    return data.getvalue()


def _draw(image: Image.Image, shape: Shape) -> None:
    pen = ImageDraw.Draw(image)
    match shape:
        case Line(points, colour, width, dash):
            thick = max(1, round(width * _TIMES))
            for part in _dashes(points, dash) if dash else [points]:
                pen.line(_scaled(part), fill=colour, width=thick, joint="curve")
        case Area(points, colour, opacity):
            mask = Image.new("L", image.size)
            ImageDraw.Draw(mask).polygon(_scaled(points), fill=round(255 * opacity))
            within = mask.getbbox()
            if within is not None:
                image.paste(colour, within, mask.crop(within))
        case Dot((x, y), colour, radius):
            box = [(side + sign * radius) * _TIMES for sign in (-1, 1) for side in (x, y)]
            pen.ellipse(tuple(box), fill=colour)
        case Text(at, text, anchor, colour, size):
            place = _scaled([at])[0]
            pen.text(place, text, colour, font(size * _TIMES), anchor=_ANCHORS[anchor])


def _scaled(points: Sequence[Point]) -> list[Point]:
    return [(x * _TIMES, y * _TIMES) for x, y in points]


def _dashes(points: Sequence[Point], dash: tuple[float, float]) -> Iterator[list[Point]]:
    """Cut a line into its dashes. They go on around corners."""
    drawn, left, part = True, dash[0], [points[0]]
    for start, end in pairwise(points):
        length, gone = math.dist(start, end), 0.0
        while length - gone > left:
            gone += left
            corner = _between(start, end, gone / length)
            if drawn:
                yield [*part, corner]
            drawn = not drawn
            left, part = dash[0 if drawn else 1], [corner]
        left -= length - gone
        part.append(end)
    if drawn:
        yield part


def _between(start: Point, end: Point, share: float) -> Point:
    return start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])
