"""What no label speaks of but what looks a little like something that one does."""

import math

from aloft.demo.canvas import along, bend
from aloft.demo.things import Ground


def bales(ground: Ground) -> None:
    """Round bales and huts on open land: neither tanks nor cars."""
    on = ground.on
    for _ in range(on.chance.randint(2, 6)):
        on.disc(on.somewhere(0.1), on.between(0.014, 0.028), on.ink("paint", 0.15))


def containers(ground: Ground) -> None:
    """Coloured boxes away from roads, larger than cars and smaller than houses."""
    on = ground.on
    heart = on.somewhere(0.2)
    for _ in range(on.chance.randint(2, 7)):
        colour = on.chance.choice(("rust", "blue paint", "red paint", "light roof"))
        on.box(on.near(heart, 0.14), on.between(0.05, 0.08), 0.028, on.heading, on.ink(colour, 0.15))


def tarpaulins(ground: Ground) -> None:
    """Bright sheets that are no pools."""
    on = ground.on
    for _ in range(on.chance.randint(1, 2)):
        on.box(
            on.somewhere(0.1),
            on.between(0.06, 0.12),
            on.between(0.04, 0.07),
            on.heading,
            on.ink("tarpaulin", 0.1),
        )


def railway(ground: Ground) -> None:
    """A track, narrower and browner than a road."""
    on = ground.on
    path = bend(on, on.chance.uniform(0, math.pi), on.somewhere(0.2), 0.03)
    on.line(path, on.between(0.04, 0.055), on.ink("ballast", 0.1))
    on.line(path, on.between(0.012, 0.016), on.ink("rust", 0.1))


def path(ground: Ground) -> None:
    """A trodden path."""
    on = ground.on
    on.line(
        bend(on, on.chance.uniform(0, math.pi), on.somewhere(0.2), 0.1),
        on.between(0.014, 0.024),
        on.ink("soil", 0.12),
    )


def dark_rows(ground: Ground) -> None:
    """Beds under dark sheets: no solar panels."""
    on = ground.on
    at, long = on.somewhere(0.2), on.between(0.25, 0.45)
    for row in range(-2, 3):
        place = along(at, on.heading, 0, row * 0.07 * on.zoom)
        on.box(
            place,
            long,
            0.03 * on.zoom,
            on.heading,
            on.ink(on.chance.choice(("leaves", "shadow", "furrow")), 0.15),
        )


def waves(ground: Ground) -> None:
    """Crests and buoys on the water: no ships."""
    on = ground.on
    for at in ground.afloat[: on.chance.randint(2, 6)]:
        turn = on.heading + on.chance.uniform(-0.3, 0.3)
        on.box(
            on.near(at, 0.08), on.between(0.04, 0.12), on.between(0.008, 0.016), turn, on.ink("foam", 0.15)
        )


def runway(ground: Ground) -> None:
    """A runway with its stripe, aeroplanes or not."""
    on = ground.on
    at = on.somewhere(0.3)
    on.box(at, 3.0, on.between(0.2, 0.3), on.heading, on.ink("concrete", 0.12))
    for dash in range(-6, 7):
        on.box(along(at, on.heading, dash * 0.16, 0), 0.08, 0.012, on.heading, on.ink("paint"))


def clouds(ground: Ground) -> None:
    """A small cloud and its shadow over whatever is there."""
    on = ground.on
    heart = on.somewhere(-0.05)
    puffs = [(on.near(heart, 0.1), on.between(0.04, 0.1)) for _ in range(5)]
    for at, radius in puffs:
        on.disc(on.shaded(at, 0.3), radius, on.ink("shadow", 0.3))
    for at, radius in puffs:
        on.disc(at, radius, on.ink("cloud", 0.04))
