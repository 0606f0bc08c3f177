"""Scenes as an aeroplane sees them, drawn by code: each shows several of a few kinds of land at once.

Some kinds are common and some are rare, as in real archives: that is where choosing what to label pays.
"""

import math
from collections.abc import Callable, Mapping
from random import Random
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

Colour = tuple[int, int, int]


class Kind(NamedTuple):
    """A kind of land: how often a scene shows it, what it is called to people, and how it is drawn."""

    share: float
    title: str
    draw: Callable[["Canvas"], None]


class Canvas:
    """A scene while it is drawn, at four times its size, so that edges come out soft."""

    SCALE = 4

    def __init__(self, size: int, chance: Random) -> None:
        self.chance = chance
        self.side = size * self.SCALE
        self.image = Image.new("RGB", (self.side, self.side), self.shade((122, 134, 88)))
        self.pen = ImageDraw.Draw(self.image)

    def shade(self, colour: Colour, spread: int = 14) -> Colour:
        """Vary a colour."""
        red, green, blue = (max(0, min(255, part + self.chance.randint(-spread, spread))) for part in colour)
        return red, green, blue

    def somewhere(self, margin: float = 0.0) -> tuple[float, float]:
        """Choose a point, away from the edge by a part of the side."""
        low, high = self.side * margin, self.side * (1 - margin)
        return self.chance.uniform(low, high), self.chance.uniform(low, high)

    def length(self, low: float, high: float) -> float:
        """Choose a length as a part of the side."""
        return self.side * self.chance.uniform(low, high)

    def disc(self, at: tuple[float, float], radius: float, colour: Colour) -> None:
        """Fill a circle."""
        x, y = at
        self.pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)

    def box(self, at: tuple[float, float], width: float, height: float, turn: float, colour: Colour) -> None:
        """Fill a rectangle around a point, turned by some radians."""
        x, y = at
        cosine, sine = math.cos(turn), math.sin(turn)
        corners = ((-width, -height), (width, -height), (width, height), (-width, height))
        turned = [(x + (a * cosine - b * sine) / 2, y + (a * sine + b * cosine) / 2) for a, b in corners]
        self.pen.polygon(turned, fill=colour)

    def wavy(self, width: float, colour: Colour, waves: float) -> None:
        """Draw a line from edge to edge."""
        turn, phase = self.chance.uniform(0, math.pi), self.chance.uniform(0, 6)
        middle, side = self.somewhere(0.3), self.side
        line = []
        for step in range(-24, 25):
            along = step / 24 * side
            across = waves * side * math.sin(phase + step / 6)
            x = middle[0] + along * math.cos(turn) - across * math.sin(turn)
            line.append((x, middle[1] + along * math.sin(turn) + across * math.cos(turn)))
        self.pen.line(line, fill=colour, width=max(1, round(width)), joint="curve")


def _fields(on: Canvas) -> None:
    turn = on.chance.uniform(0, math.pi)
    for _ in range(on.chance.randint(2, 4)):
        colour = on.shade(
            on.chance.choice([(150, 168, 74), (186, 172, 96), (104, 148, 62), (168, 138, 84)]), 10
        )
        at, width, height = on.somewhere(), on.length(0.4, 0.8), on.length(0.25, 0.5)
        on.box(at, width, height, turn, colour)
        for row in range(-4, 5):
            across = row / 9 * height
            x, y = at[0] - across * math.sin(turn), at[1] + across * math.cos(turn)
            on.box((x, y), width, height / 40, turn, on.shade(colour, 18))


def _bare_soil(on: Canvas) -> None:
    for _ in range(on.chance.randint(4, 9)):
        on.disc(on.somewhere(0.15), on.length(0.08, 0.2), on.shade((166, 126, 88), 8))


def _water(on: Canvas) -> None:
    colour = on.shade((44, 84, 118), 10)
    if on.chance.random() < 0.5:
        on.wavy(on.length(0.1, 0.22), colour, 0.08)
        return
    x, y = on.somewhere(0.25)
    for _ in range(7):
        near = (x + on.length(-0.12, 0.12), y + on.length(-0.12, 0.12))
        on.disc(near, on.length(0.1, 0.2), colour)


def _trees(on: Canvas) -> None:
    for _ in range(on.chance.randint(2, 4)):
        x, y = on.somewhere()
        for _ in range(on.chance.randint(12, 30)):
            near = (x + on.length(-0.16, 0.16), y + on.length(-0.16, 0.16))
            on.disc(near, on.length(0.02, 0.045), on.shade((34, 78, 38), 16))


def _roads(on: Canvas) -> None:
    for _ in range(on.chance.randint(1, 2)):
        on.wavy(on.length(0.03, 0.05), on.shade((138, 138, 140), 8), 0.02)


def _buildings(on: Canvas) -> None:
    turn = on.chance.uniform(0, math.pi / 2)
    for _ in range(on.chance.randint(4, 9)):
        (x, y), width, height = on.somewhere(0.08), on.length(0.07, 0.15), on.length(0.06, 0.1)
        on.box((x + on.side * 0.015, y + on.side * 0.015), width, height, turn, (38, 40, 42))
        roof = on.chance.choice([(176, 74, 58), (196, 192, 186), (120, 112, 112)])
        on.box((x, y), width, height, turn, on.shade(roof))


def _solar_panels(on: Canvas) -> None:
    at, turn = on.somewhere(0.25), on.chance.uniform(-0.4, 0.4)
    for row in range(5):
        y = at[1] + (row - 2) * on.side * 0.06
        on.box((at[0], y), on.side * 0.32, on.side * 0.035, turn, on.shade((26, 32, 70), 6))


def _pools(on: Canvas) -> None:
    for _ in range(on.chance.randint(1, 3)):
        on.box(
            on.somewhere(0.15),
            on.length(0.05, 0.08),
            on.length(0.03, 0.05),
            on.chance.uniform(0, 3),
            (72, 204, 222),
        )


KINDS: Mapping[str, Kind] = {
    "fields": Kind(0.55, "Fields", _fields),
    "bare-soil": Kind(0.2, "Bare soil", _bare_soil),
    "water": Kind(0.25, "Water", _water),
    "trees": Kind(0.5, "Trees", _trees),
    "roads": Kind(0.4, "Roads", _roads),
    "buildings": Kind(0.3, "Buildings", _buildings),
    "solar-panels": Kind(0.06, "Solar panels", _solar_panels),
    "swimming-pools": Kind(0.04, "Swimming pools", _pools),
}
"""What scenes show, in the order in which it is drawn: what lies higher comes later."""


def choose(chance: Random) -> list[str]:
    """Choose what a scene shows: at least one kind."""
    shown = [name for name, kind in KINDS.items() if chance.random() < kind.share]
    return shown or [chance.choice(["fields", "trees"])]


def render(shown: list[str], size: int, chance: Random) -> Image.Image:
    """Draw a scene that shows these kinds, with the noise of a sensor."""
    canvas = Canvas(size, chance)
    for name in shown:
        KINDS[name].draw(canvas)
    small = np.asarray(canvas.image.resize((size, size), Image.Resampling.BOX), dtype=np.int16)
    noise = np.random.default_rng(chance.getrandbits(64)).integers(-5, 6, small.shape, dtype=np.int16)
    return Image.fromarray(np.clip(small + noise, 0, 255).astype(np.uint8))
