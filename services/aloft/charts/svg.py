"""A drawing as SVG, to stand in a page or in a file of its own."""

from collections.abc import Sequence
from html import escape

from aloft.charts.drawing import Area, Dot, Drawing, Line, Point, Shape, Text

FONT = "system-ui,sans-serif"


def svg(drawing: Drawing) -> str:
    """Write it; the title is what somebody hears who cannot see it."""
    head = (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {drawing.width} {drawing.height}'"
        f" role='img' aria-label='{escape(drawing.title)}' font-family='{FONT}'>"
    )
    return "".join([head, *map(_written, drawing.shapes), "</svg>"])


def _written(shape: Shape) -> str:
    match shape:
        case Line(points, colour, width, dash):
            dashes = f" stroke-dasharray='{dash[0]:g} {dash[1]:g}'" if dash else ""
            pen = f"fill='none' stroke='{colour}' stroke-width='{width:g}' stroke-linejoin='round'{dashes}"
            return f"<polyline points='{_points(points)}' {pen}/>"
        case Area(points, colour, opacity):
            return f"<polygon points='{_points(points)}' fill='{colour}' fill-opacity='{opacity:g}'/>"
        case Dot((x, y), colour, radius, said):
            title = f"<title>{escape(said)}</title>" if said else ""
            return f"<circle cx='{x:.1f}' cy='{y:.1f}' r='{radius:g}' fill='{colour}'>{title}</circle>"
        case Text((x, y), text, anchor, colour, size):
            place = f"x='{x:.1f}' y='{y + 0.35 * size:.1f}' text-anchor='{anchor}' font-size='{size}'"
            return f"<text {place} fill='{colour}'>{escape(text)}</text>"


def _points(points: Sequence[Point]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
