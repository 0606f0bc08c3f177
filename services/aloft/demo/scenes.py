"""Scenes as an aeroplane or a satellite sees them, drawn by code: each shows several of fourteen labels.

Labels are common (trees, half of the scenes) and rare (storage tanks, one in a hundred), as in real archives:
that is where choosing what to label pays. What makes it hard is what makes it hard there: season, light,
haze, clouds, any orientation, and things that look a little like what a label means.

Frozen: a test holds the bytes of some scenes and the frequencies of all labels. Whoever changes what is drawn
changes what every comparison of strategies was made on.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from aloft.demo import clutter, things
from aloft.demo.canvas import Canvas
from aloft.demo.light import Light
from aloft.demo.materials import spectra
from aloft.demo.sites import SITES, Site
from aloft.demo.things import Ground

Pixels = NDArray[np.uint8]


class Kind(NamedTuple):
    """A label: what it is called to people, and how it is drawn."""

    title: str
    draw: Callable[[Ground], None]


KINDS: Mapping[str, Kind] = {
    "fields": Kind("Fields", things.fields),
    "bare-soil": Kind("Bare soil", things.bare_soil),
    "beaches": Kind("Beaches", things.beaches),
    "water": Kind("Water", things.water),
    "roads": Kind("Roads", things.roads),
    "car-parks": Kind("Car parks", things.car_parks),
    "buildings": Kind("Buildings", things.buildings),
    "trees": Kind("Trees", things.trees),
    "swimming-pools": Kind("Swimming pools", things.swimming_pools),
    "solar-panels": Kind("Solar panels", things.solar_panels),
    "storage-tanks": Kind("Storage tanks", things.storage_tanks),
    "cars": Kind("Cars", things.cars),
    "ships": Kind("Ships", things.ships),
    "aeroplanes": Kind("Aeroplanes", things.aeroplanes),
}
"""What scenes show, in the order in which it is drawn: what lies higher comes later."""

LYING: Mapping[str, Callable[[Ground], None]] = {
    "runway": clutter.runway,
    "dark rows": clutter.dark_rows,
    "path": clutter.path,
    "bales": clutter.bales,
    "tarpaulins": clutter.tarpaulins,
    "containers": clutter.containers,
    "waves": clutter.waves,
    "railway": clutter.railway,
}
"""What no label speaks of."""

LOW = ("fields", "bare-soil", "beaches", "water")
"""What is drawn before anything that no label speaks of."""

CLOUDY = 0.12


@dataclass(frozen=True, slots=True)
class Scene:
    """What a scene shows, before it is drawn."""

    site: str
    shown: tuple[str, ...]
    """Its labels, in the order of `KINDS`."""
    clutter: tuple[str, ...] = ()


def choose(chance: Random) -> Scene:
    """Choose a place and what it shows: at least one label."""
    name = chance.choices(tuple(SITES), [site.share for site in SITES.values()])[0]
    site = SITES[name]
    drawn = {label for label, likely in site.labels.items() if chance.random() < likely}
    if not drawn & {"roads", "car-parks"}:
        drawn.discard("cars")
    if not drawn:
        drawn.add(max(site.labels, key=lambda label: site.labels[label]))
    around = tuple(one for one, likely in site.clutter.items() if chance.random() < likely)
    return Scene(name, tuple(label for label in KINDS if label in drawn), around)


def render(scene: Scene, size: int, chance: Random, bands: int = 3) -> Pixels:
    """Draw a scene: height × width × bands (3, red first, or 12), with the light and noise of its day."""
    site = SITES[scene.site]
    canvas = Canvas(size, chance, chance.choice(site.ground))
    ground = Ground(canvas, shore=chance.choice(site.shore) if "water" in scene.shown else "")
    for _ in range(chance.randint(3, 6)):
        canvas.disc(canvas.somewhere(), canvas.between(0.1, 0.3), canvas.ink(chance.choice(site.ground), 0.1))
    if ground.shore:
        ground.flood()
    _draw(scene, site, ground)
    if chance.random() < CLOUDY:
        clutter.clouds(ground)
    return Light.of(chance).develop(canvas, spectra(bands), size)


def _draw(scene: Scene, site: Site, ground: Ground) -> None:
    for label in LOW:
        if label in scene.shown:
            KINDS[label].draw(ground)
    for name, draw in LYING.items():
        if name in scene.clutter:
            draw(ground)
    for label in scene.shown:
        if label == "trees" and site.wooded:
            things.wood(ground)
        elif label == "buildings":
            things.buildings(ground, size=site.roofs)
        elif label not in LOW:
            KINDS[label].draw(ground)
