"""The report's drawings as SVG: curves of both arms, and bars for labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

COLOURS = {"active": "#0f7b8a", "random": "#c9822b"}
INK, FAINT = "#24313a", "#d7dee2"
FONT = "font-family='system-ui,sans-serif'"


@dataclass(frozen=True, slots=True)
class Curve:
    """One line of the chart."""

    arm: str
    points: Sequence[tuple[int, float]]
    bold: bool = True


@dataclass(frozen=True, slots=True)
class Frame:
    """Where values lie on the drawing."""

    width: int
    height: int
    most: float
    """The largest value along the bottom."""
    low: float
    high: float

    LEFT, RIGHT, TOP, BOTTOM = 56, 18, 14, 44

    def x(self, value: float) -> float:
        """Say where a value along the bottom lies."""
        return self.LEFT + value / self.most * (self.width - self.LEFT - self.RIGHT)

    def y(self, value: float) -> float:
        """Say where a value along the side lies."""
        share = (value - self.low) / (self.high - self.low)
        return self.height - self.BOTTOM - share * (self.height - self.TOP - self.BOTTOM)

    def levels(self) -> list[float]:
        """Give round values along the side."""
        step = next(one for one in (0.02, 0.05, 0.1, 0.2) if (self.high - self.low) / one <= 7)
        first = int(self.low / step) + 1
        return [round(number * step, 2) for number in range(first, int(self.high / step) + 1)]


def frame_of(curves: Sequence[Curve], width: int = 720, height: int = 360) -> Frame:
    """Choose what is seen: all points, and a little air."""
    values = [value for curve in curves for _, value in curve.points]
    most = max(labels for curve in curves for labels, _ in curve.points)
    low, high = min(values), max(values)
    air = max(0.02, 0.08 * (high - low))
    return Frame(width, height, most * 1.03, max(0.0, low - air), min(1.0, high + air))


def curves_svg(curves: Sequence[Curve]) -> str:
    """Draw scores over numbers of labels."""
    frame = frame_of(curves)
    parts = [f"<svg viewBox='0 0 {frame.width} {frame.height}' role='img' aria-label='Learning curves'>"]
    parts += [_level(frame, level) for level in frame.levels()]
    ticks = sorted({labels for curve in curves for labels, _ in curve.points})
    parts += [_text(frame.x(tick), frame.height - frame.BOTTOM + 18, str(tick), "middle") for tick in ticks]
    parts.append(_text(frame.width / 2, frame.height - 6, "labelled images", "middle"))
    for curve in sorted(curves, key=lambda one: one.bold):
        parts.append(_curve(frame, curve))
    return "".join([*parts, "</svg>"])


def _level(frame: Frame, level: float) -> str:
    y = frame.y(level)
    ends = f"x1='{frame.LEFT}' x2='{frame.width - frame.RIGHT}' y1='{y:.1f}' y2='{y:.1f}'"
    return f"<line {ends} stroke='{FAINT}'/>" + _text(frame.LEFT - 8, y + 4, f"{level:.2f}", "end")


def _curve(frame: Frame, curve: Curve) -> str:
    colour = COLOURS[curve.arm]
    at = [(frame.x(labels), frame.y(value)) for labels, value in curve.points]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in at)
    width, opacity = (2.6, 1) if curve.bold else (1.2, 0.3)
    pen = f"fill='none' stroke='{colour}' stroke-width='{width}' opacity='{opacity}'"
    line = f"<polyline points='{path}' {pen}/>"
    if not curve.bold:
        return line
    dots = "".join(
        f"<circle cx='{x:.1f}' cy='{y:.1f}' r='4' fill='{colour}'><title>{value:.3f}</title></circle>"
        for (x, y), (_, value) in zip(at, curve.points, strict=True)
    )
    return line + dots


def bars_svg(rows: Sequence[tuple[str, float | None, float | None]]) -> str:
    """Draw for each label the average precision of both arms beneath one another."""
    height, left, width = 30, 130, 720
    parts = [f"<svg viewBox='0 0 {width} {height * len(rows) + 6}' role='img' aria-label='By label'>"]
    for number, (label, *values) in enumerate(rows):
        top = number * height + 4
        parts.append(_text(left - 10, top + 16, label, "end"))
        for place, (arm, value) in enumerate(zip(COLOURS, values, strict=True)):
            long = (value or 0.0) * (width - left - 60)
            y = top + place * 12
            parts.append(f"<rect x='{left}' y='{y}' width='{long:.1f}' height='10' fill='{COLOURS[arm]}'/>")
            said = "not judged" if value is None else f"{value:.2f}"
            parts.append(_text(left + long + 6, y + 9, said, "start", 10))
    return "".join([*parts, "</svg>"])


def _text(x: float, y: float, text: str, anchor: str, size: int = 12) -> str:
    place = f"x='{x:.1f}' y='{y:.1f}' text-anchor='{anchor}' font-size='{size}'"
    return f"<text {place} {FONT} fill='{INK}'>{escape(text)}</text>"
