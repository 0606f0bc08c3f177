"""What scenes show and what the labels say of it: how each is drawn, where it can be."""

import math
from dataclasses import dataclass, field
from itertools import pairwise

from aloft.demo.canvas import Canvas, Point, along, bend

CAR_COLOURS = ("paint", "paint", "dark paint", "dark paint", "red paint", "blue paint", "concrete")


@dataclass(slots=True)
class Ground:
    """A canvas and what was put on it so far, for what can only lie on, or beside, something else."""

    on: Canvas
    shore: str = ""
    """How the water lies: `river`, `lake`, `coast` or `sea`; empty where there is none."""
    water: list[list[Point]] = field(default_factory=list)
    """Outlines of water."""
    afloat: list[Point] = field(default_factory=list)
    """Places well within the water."""
    lanes: list[tuple[Point, float]] = field(default_factory=list)
    """Places on roads, and which way they run there."""
    slots: list[tuple[Point, float]] = field(default_factory=list)
    """Places on car parks."""
    houses: list[tuple[Point, float]] = field(default_factory=list)

    def flood(self) -> None:
        """Decide where the water is."""
        on = self.on
        middle, turn = on.somewhere(0.25), on.chance.uniform(0, 2 * math.pi)
        if self.shore == "sea":
            self.water = [[(-0.1, -0.1), (1.1, -0.1), (1.1, 1.1), (-0.1, 1.1)]]
            self.afloat = [on.somewhere(0.12) for _ in range(12)]
        elif self.shore == "coast":
            edge = bend(on, turn, middle, on.chance.uniform(0.02, 0.08))
            self.water = [[*edge, along(edge[-1], turn, 0, 3), along(edge[0], turn, 0, 3)]]
            spread = [
                along(middle, turn, on.chance.uniform(-0.5, 0.5), on.between(0.12, 0.5)) for _ in range(60)
            ]
            self.afloat = [at for at in spread if 0.06 < at[0] < 0.94 and 0.06 < at[1] < 0.94][:12]
        elif self.shore == "lake":
            rough = on.between(0.16, 0.3)
            ring = [
                along(middle, turn + a * math.pi / 9, rough * on.chance.uniform(0.8, 1.2), 0)
                for a in range(18)
            ]
            self.water, self.afloat = [ring], [on.near(middle, rough * 0.5) for _ in range(6)]
        else:
            wide, banks = on.between(0.1, 0.2), bend(on, turn, middle, 0.1)
            sides = [[along(at, turn, 0, side * wide / 2) for at in banks] for side in (-1, 1)]
            self.water = [sides[0] + sides[1][::-1]]
            self.afloat = [at for at in banks if 0.08 < at[0] < 0.92 and 0.08 < at[1] < 0.92]


def fields(ground: Ground) -> None:
    """Strips of crops, ploughed in one direction."""
    on = ground.on
    across = -1.0
    while across < 1.0:
        deep = on.between(0.2, 0.5)
        forward = -1.2
        crop = on.chance.choice(("green crop", "ripe crop", "stubble", "grass", "furrow"))
        while forward < 1.2:
            long = on.between(0.4, 0.9)
            if on.chance.random() < 0.8:
                crop = on.chance.choice(("green crop", "green crop", "ripe crop", "stubble", "furrow"))
                _strip(on, (forward + long / 2, across + deep / 2), long * 0.97, deep * 0.94, crop)
            forward += long
        across += deep


def _strip(on: Canvas, place: Point, long: float, deep: float, crop: str) -> None:
    at = along((0.5, 0.5), on.heading, *place)
    if not (-0.5 < at[0] < 1.5 and -0.5 < at[1] < 1.5):
        return
    on.box(at, long, deep, on.heading, on.ink(crop, 0.12))
    rows = on.ink(crop, 0.12)
    for row in range(-3, 4):
        on.box(along(at, on.heading, 0, row / 8 * deep), long, deep / 30, on.heading, rows)


def bare_soil(ground: Ground) -> None:
    """Open earth in rounded patches."""
    on = ground.on
    heart = on.somewhere(0.2)
    for _ in range(on.chance.randint(5, 10)):
        on.disc(on.near(heart, 0.2), on.between(0.07, 0.17), on.ink("soil", 0.07))


def beaches(ground: Ground) -> None:
    """Sand along the water."""
    on, wide = ground.on, ground.on.between(0.1, 0.18)
    for outline in ground.water:
        on.line([*outline, outline[0]], wide, on.ink("sand", 0.05))


def water(ground: Ground) -> None:
    """A river, a lake, a coast or the open sea."""
    on = ground.on
    shallow = on.chance.random() < 0.3
    for outline in ground.water:
        on.polygon(outline, on.ink("shallow water" if shallow else "deep water", 0.2))


def trees(ground: Ground) -> None:
    """Woods and groups of trees, each tree with its shadow."""
    on = ground.on
    for _ in range(on.chance.randint(2, 4)):
        heart, reach = on.somewhere(), on.between(0.08, 0.2)
        for _ in range(on.chance.randint(8, 18)):
            at, radius = on.near(heart, reach), on.between(0.022, 0.045)
            on.disc(on.shaded(at, radius * 0.6), radius, on.ink("shadow", 0.2))
            on.disc(at, radius, on.ink("leaves", 0.18))


def wood(ground: Ground) -> None:
    """Trees without end."""
    on = ground.on
    for _ in range(110):
        on.disc(on.somewhere(-0.02), on.between(0.03, 0.06), on.ink("leaves", 0.22))


def roads(ground: Ground) -> None:
    """One road, or two that cross."""
    on = ground.on
    for number in range(on.chance.randint(1, 2)):
        turn = on.heading + number * math.pi / 2 + on.chance.uniform(-0.2, 0.2)
        path = bend(on, turn, on.somewhere(0.2), on.chance.uniform(0, 0.05), steps=30)
        wide = on.between(0.045, 0.07)
        on.line(path, wide, on.ink(on.chance.choice(("asphalt", "asphalt", "concrete")), 0.1))
        for here, there in pairwise(path):
            if 0.04 < here[0] < 0.96 and 0.04 < here[1] < 0.96:
                way = math.atan2(there[1] - here[1], there[0] - here[0])
                ground.lanes.append((along(here, way, 0, on.chance.choice((-1, 1)) * wide / 4), way))


def car_parks(ground: Ground) -> None:
    """A paved place with marked rows."""
    on = ground.on
    at, long, deep = on.somewhere(0.25), on.between(0.3, 0.45), on.between(0.22, 0.32)
    on.box(at, long, deep, on.heading, on.ink("asphalt", 0.12))
    lines = on.ink("paint", 0.1)
    for row in (-0.32, 0.0, 0.32):
        for place in range(-4, 5):
            mark = along(at, on.heading, place * long / 9, row * deep)
            on.box(mark, 0.006, deep * 0.2, on.heading, lines)
            ground.slots.append((along(mark, on.heading, long / 18, 0), on.heading + math.pi / 2))


def buildings(ground: Ground, fewest: int = 3, most: int = 8, size: float = 1.0) -> None:
    """Houses with roofs of a few kinds and shadows."""
    on = ground.on
    roof = on.chance.choice(("red roof", "red roof", "grey roof", "light roof"))
    for _ in range(on.chance.randint(fewest, most)):
        at = on.somewhere(0.06)
        turn = on.heading + on.chance.choice((0, math.pi / 2))
        long, wide = size * on.between(0.09, 0.17), size * on.between(0.07, 0.11)
        if on.chance.random() < 0.3:
            roof = on.chance.choice(("red roof", "grey roof", "light roof", "blue roof"))
        on.box(on.shaded(at, 0.02), long, wide, turn, on.ink("shadow"))
        on.box(at, long, wide, turn, on.ink(roof, 0.15))
        on.box(along(at, turn, 0, wide / 4), long, wide / 2, turn, on.ink(roof, 0.15))
        ground.houses.append((at, turn))


def cars(ground: Ground) -> None:
    """Cars on roads and in car parks, and nowhere else."""
    on = ground.on
    places = list(ground.slots)
    on.chance.shuffle(places)
    lanes = on.chance.sample(ground.lanes, min(len(ground.lanes), on.chance.randint(2, 5)))
    for at, turn in places[: on.chance.randint(4, 14)] + lanes:
        long, wide = on.between(0.045, 0.055), on.between(0.022, 0.027)
        on.box(on.shaded(at, 0.008), long, wide, turn, on.ink("shadow"))
        on.box(at, long, wide, turn, on.ink(on.chance.choice(CAR_COLOURS), 0.1))


def ships(ground: Ground) -> None:
    """Ships with their wakes, on the water."""
    on = ground.on
    for at in ground.afloat[: on.chance.randint(1, 3)]:
        turn, long = on.chance.uniform(0, 2 * math.pi), on.between(0.12, 0.24)
        wide = long * on.chance.uniform(0.22, 0.3)
        if on.chance.random() < 0.5:
            tail = along(at, turn, -long * 1.4, 0)
            on.polygon(
                [along(at, turn, -long / 2, 0), along(tail, turn, 0, wide), along(tail, turn, 0, -wide)],
                on.ink("foam"),
            )
        hull = [along(at, turn, *step) for step in _hull(long, wide)]
        on.polygon(
            hull, on.ink(on.chance.choice(("paint", "rust", "grey roof", "dark paint", "light roof")), 0.1)
        )
        on.box(along(at, turn, -long * 0.25, 0), long * 0.2, wide * 0.7, turn, on.ink("paint"))


def _hull(long: float, wide: float) -> list[Point]:
    return [
        (-long / 2, -wide / 2),
        (long / 4, -wide / 2),
        (long / 2, 0),
        (long / 4, wide / 2),
        (-long / 2, wide / 2),
    ]


def swimming_pools(ground: Ground) -> None:
    """Pools beside houses."""
    on = ground.on
    houses = ground.houses or [(on.somewhere(0.2), on.heading)]
    for at, turn in on.chance.sample(houses, min(len(houses), on.chance.randint(1, 3))):
        beside = along(at, turn, on.between(-0.03, 0.03), on.between(0.09, 0.12))
        on.box(beside, on.between(0.075, 0.1), on.between(0.05, 0.065), turn, on.ink("concrete"))
        on.box(beside, on.between(0.055, 0.075), on.between(0.032, 0.045), turn, on.ink("pool", 0.05))


def solar_panels(ground: Ground) -> None:
    """Rows of dark panels."""
    on = ground.on
    at, rows = on.somewhere(0.25), on.chance.randint(4, 6)
    long = on.between(0.28, 0.42)
    for row in range(rows):
        place = along(at, on.heading, 0, (row - rows / 2) * 0.06 * on.zoom)
        on.box(place, long, 0.036 * on.zoom, on.heading, on.ink("panel", 0.05))


def storage_tanks(ground: Ground) -> None:
    """Round tanks in a row or two, on paved ground."""
    on = ground.on
    at, radius = on.somewhere(0.25), on.between(0.055, 0.085)
    columns, rows = on.chance.randint(2, 3), on.chance.randint(1, 2)
    pitch = radius * 2.4
    on.box(at, pitch * (columns + 0.4), pitch * (rows + 0.4), on.heading, on.ink("concrete"))
    coat = on.chance.choice(("paint", "paint", "rust", "light roof"))
    for column in range(columns):
        for row in range(rows):
            place = along(
                at, on.heading, (column - (columns - 1) / 2) * pitch, (row - (rows - 1) / 2) * pitch
            )
            on.disc(on.shaded(place, radius * 0.35), radius, on.ink("shadow"))
            on.disc(place, radius, on.ink(coat, 0.06))
            on.disc(on.shaded(place, -radius * 0.2), radius * 0.7, on.ink(coat, 0.06))


def aeroplanes(ground: Ground) -> None:
    """Aeroplanes, parked beside one another."""
    on = ground.on
    first, turn = on.somewhere(0.3), on.heading + on.chance.choice((0, math.pi / 2, math.pi))
    span = on.between(0.2, 0.3)
    for number in range(on.chance.randint(1, 3)):
        at = along(first, turn, 0, (number - 1) * span * 1.2)
        for shift, ink in ((0.02, on.ink("shadow")), (0.0, on.ink("paint", 0.05))):
            _aeroplane(on, on.shaded(at, shift), turn, span, ink)


def _aeroplane(on: Canvas, at: Point, turn: float, span: float, ink: int) -> None:
    body = span * 0.13
    on.box(at, span * 1.05, body, turn, ink)
    for side in (-1, 1):
        root, tip = span * 0.12, side * span / 2
        wing = [(root, 0.0), (-root * 0.4, tip), (-root * 1.3, tip), (-root, 0.0)]
        on.polygon([along(at, turn, *corner) for corner in wing], ink)
        back = [(-span * 0.38, 0.0), (-span * 0.5, tip * 0.4), (-span * 0.56, tip * 0.4), (-span * 0.52, 0.0)]
        on.polygon([along(at, turn, *corner) for corner in back], ink)
