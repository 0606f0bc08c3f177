"""The report's picture: curves, labels and what was chosen on one sheet, as a PNG."""

import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageColor, ImageDraw, ImageFont

from aloft.demo.drawing import COLOURS, FAINT, INK, Curve, Frame, frame_of
from aloft.demo.outcome import Outcome
from aloft.demo.report import curves_of
from aloft.demo.thumbnails import Thumbnails

WIDTH, CHART, LABELS = 1400, 480, 330
SHARP = 2
"""It is drawn larger and made smaller, so that lines come out smooth."""
ROW, TILE, TILES = 124, 104, 12
"""Heights of a round's row and of its images, and how many are shown."""


class Sheet:
    """A drawing whose measures are those of the finished picture."""

    def __init__(self, width: int, height: int) -> None:
        self.image = Image.new("RGB", (width * SHARP, height * SHARP), "white")
        self.pen = ImageDraw.Draw(self.image)

    def text(self, at: tuple[float, float], text: str, size: int = 15, anchor: str = "ls") -> None:
        """Write."""
        font = ImageFont.load_default(size * SHARP)
        self.pen.text((at[0] * SHARP, at[1] * SHARP), text, INK, font, anchor=anchor)

    def line(self, points: Sequence[tuple[float, float]], colour: str, width: float) -> None:
        """Draw a line."""
        scaled = [(x * SHARP, y * SHARP) for x, y in points]
        self.pen.line(scaled, fill=colour, width=max(1, round(width * SHARP)), joint="curve")

    def dot(self, at: tuple[float, float], colour: str) -> None:
        """Mark a point."""
        x, y, r = at[0] * SHARP, at[1] * SHARP, 5 * SHARP
        self.pen.ellipse((x - r, y - r, x + r, y + r), fill=colour)

    def bar(self, at: tuple[float, float], long: float, colour: str) -> None:
        """Draw a bar."""
        x, y = at[0] * SHARP, at[1] * SHARP
        self.pen.rectangle((x, y, x + long * SHARP, y + 9 * SHARP), fill=colour)

    def paste(self, at: tuple[int, int], data: bytes, side: int) -> None:
        """Put an image there."""
        with Image.open(io.BytesIO(data)) as opened:
            tile = opened.resize((side * SHARP, side * SHARP), Image.Resampling.NEAREST)
        self.image.paste(tile, (at[0] * SHARP, at[1] * SHARP))

    def finished(self) -> Image.Image:
        """Give the picture."""
        return self.image.reduce(SHARP)


def draw_poster(outcomes: Sequence[Outcome], path: Path) -> None:
    """Draw the sheet and write it."""
    outcome = outcomes[0]
    rounds = outcome.active.rounds
    sheet = Sheet(WIDTH, 60 + CHART + len(rounds) * ROW + 20)
    sheet.text((24, 36), f"Aloft: {outcome.active.strategy} against random labelling", 24)
    # The font that comes with Pillow has no sign for multiplication.
    sheet.text((24, 60), outcome.plan.sentence().replace("×", "x"), 13)
    _chart(sheet, curves_of(outcomes))
    _labels(sheet, outcome)
    thumbnails = Thumbnails(outcome.plan)
    for number, one in enumerate(rounds):
        top = 60 + CHART + number * ROW
        sheet.text((24, top + 14), f"round {one.number}: {one.strategy}, macro mAP {one.score:.3f}", 13)
        for place, chosen in enumerate(one.chosen[:TILES]):
            sheet.paste((24 + place * (TILE + 8), top + 20), thumbnails.png(chosen.key), TILE - 8)
    sheet.finished().save(path, "PNG", optimize=True)


def _chart(sheet: Sheet, curves: Sequence[Curve]) -> None:
    frame = frame_of(curves, 820, CHART - 40)
    for level in frame.levels():
        y = 70 + frame.y(level)
        sheet.line([(frame.LEFT, y), (frame.width - frame.RIGHT, y)], FAINT, 1)
        sheet.text((frame.LEFT - 8, y), f"{level:.2f}", 13, "rm")
    for tick in sorted({labels for curve in curves for labels, _ in curve.points}):
        sheet.text((frame.x(tick), 70 + frame.height - frame.BOTTOM + 18), str(tick), 13, "mm")
    sheet.text((frame.width / 2, 70 + frame.height - 10), "labelled images", 13, "mm")
    sheet.text((frame.LEFT + 8, 84), "macro mean average precision, held-out images", 13)
    for curve in sorted(curves, key=lambda one: one.bold):
        _curve(sheet, frame, curve)
    for place, (arm, colour) in enumerate(COLOURS.items()):
        sheet.dot((frame.width - 190 + place * 90, 79), colour)
        sheet.text((frame.width - 180 + place * 90, 79), arm, 14, "lm")


def _curve(sheet: Sheet, frame: Frame, curve: Curve) -> None:
    at = [(frame.x(labels), 70 + frame.y(value)) for labels, value in curve.points]
    colour = COLOURS[curve.arm]
    sheet.line(at, colour if curve.bold else _paler(colour), 2.6 if curve.bold else 1.2)
    if curve.bold:
        for point in at:
            sheet.dot(point, colour)


def _paler(colour: str) -> str:
    parts = ImageColor.getrgb(colour)[:3]
    return "#" + "".join(f"{round(part + 0.65 * (255 - part)):02x}" for part in parts)


def _labels(sheet: Sheet, outcome: Outcome) -> None:
    left, top = 850, 84
    sheet.text((left, top), "average precision by label, the rarest first", 13)
    for number, label in enumerate(outcome.labels()):
        y = top + 10 + number * 28
        sheet.text((left + 120, y + 11), label, 13, "rm")
        for place, (name, arm) in enumerate((("active", outcome.active), ("random", outcome.random))):
            value = arm.ap(label)
            long = (value or 0.0) * LABELS
            sheet.bar((left + 130, y + place * 10), long, COLOURS[name])
            said = "not judged" if value is None else f"{value:.2f}"
            sheet.text((left + 136 + long, y + place * 10 + 5), said, 10, "lm")
