"""What scenes are drawn on: shapes of materials first, colours of any number of bands at the end."""

import math
from collections.abc import Sequence
from random import Random

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from aloft.demo.materials import NAMES

Point = tuple[float, float]

MOST_INKS = 256
"""A pixel holds the number of its ink in a byte."""


class Canvas:
    """A scene while it is drawn, at four times its size, so that edges come out soft.

    Lengths and places are parts of the side, so that a seed draws the same scene at any size.
    """

    SCALE = 4

    def __init__(self, size: int, chance: Random, ground: str) -> None:
        self.chance = chance
        self.side = size * self.SCALE
        self.zoom = chance.uniform(0.85, 1.2)
        """How large things are: not every camera flies at one height."""
        self.heading = chance.uniform(0, math.pi)
        """The direction in which streets, rows and roofs mostly run."""
        self.sun = chance.uniform(0, 2 * math.pi)
        self._inks: list[tuple[int, float]] = []
        self._of_material: dict[str, list[int]] = {}
        self.image = Image.new("L", (self.side, self.side), 0)
        self.pen = ImageDraw.Draw(self.image)
        self.ink(ground, 0.12)

    def ink(self, material: str, spread: float = 0.08) -> int:
        """Mix an ink of a material, a little brighter or darker than others of it."""
        mixed = self._of_material.setdefault(material, [])
        if len(self._inks) >= MOST_INKS - len(NAMES) and mixed:
            return self.chance.choice(mixed)
        self._inks.append((NAMES.index(material), 1 + self.chance.uniform(-spread, spread)))
        mixed.append(len(self._inks) - 1)
        return mixed[-1]

    def inks(self) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
        """Give the material and the brightness of every ink that was mixed."""
        materials, gains = zip(*self._inks, strict=True)
        return np.array(materials, dtype=np.intp), np.array(gains, dtype=np.float32)

    def somewhere(self, margin: float = 0.0) -> Point:
        """Choose a point, away from the edge."""
        return self.chance.uniform(margin, 1 - margin), self.chance.uniform(margin, 1 - margin)

    def near(self, at: Point, reach: float) -> Point:
        """Choose a point around another."""
        return at[0] + self.chance.uniform(-reach, reach), at[1] + self.chance.uniform(-reach, reach)

    def between(self, low: float, high: float) -> float:
        """Choose the size of a thing."""
        return self.zoom * self.chance.uniform(low, high)

    def disc(self, at: Point, radius: float, ink: int) -> None:
        """Fill a circle."""
        x, y, r = at[0] * self.side, at[1] * self.side, radius * self.side
        self.pen.ellipse((x - r, y - r, x + r, y + r), fill=ink)

    def polygon(self, corners: Sequence[Point], ink: int) -> None:
        """Fill a polygon."""
        self.pen.polygon([(x * self.side, y * self.side) for x, y in corners], fill=ink)

    def box(self, at: Point, length: float, width: float, turn: float, ink: int) -> None:
        """Fill a rectangle around a point, its length along `turn` radians."""
        self.polygon(self.outline(at, length, width, turn), ink)

    def outline(self, at: Point, length: float, width: float, turn: float) -> list[Point]:
        """Give the corners of a rectangle around a point."""
        corners = ((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5))
        return [along(at, turn, length * a, width * b) for a, b in corners]

    def line(self, points: Sequence[Point], width: float, ink: int) -> None:
        """Draw a line with round joints."""
        scaled = [(x * self.side, y * self.side) for x, y in points]
        self.pen.line(scaled, fill=ink, width=max(1, round(width * self.side)), joint="curve")

    def shaded(self, at: Point, reach: float) -> Point:
        """Say where the shadow of something falls."""
        return along(at, self.sun, reach, 0.0)


def along(at: Point, turn: float, ahead: float, aside: float) -> Point:
    """Go ahead and aside from a point, in a direction."""
    cosine, sine = math.cos(turn), math.sin(turn)
    return at[0] + ahead * cosine - aside * sine, at[1] + ahead * sine + aside * cosine


def bend(canvas: Canvas, turn: float, middle: Point, waves: float, steps: int = 12) -> list[Point]:
    """Make a winding line from edge to edge through a point."""
    phase, pace = canvas.chance.uniform(0, 6), canvas.chance.uniform(1.5, 4)
    return [
        along(middle, turn, part, waves * (math.sin(phase + part * pace) - math.sin(phase)))
        for part in (-1.5 + 3 * step / steps for step in range(steps + 1))
    ]
