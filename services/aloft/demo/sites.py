"""Kinds of places, how common each is, and what is found together there.

This is where labels get their frequencies and their company: ships are where water is, cars where roads or
car parks are, and what is rare, such as aeroplanes, is mostly found in places that are rare themselves.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Site:
    """A kind of place: its share of the archive, and how likely it shows each label and each clutter."""

    share: float
    ground: tuple[str, ...]
    labels: Mapping[str, float]
    clutter: Mapping[str, float] = field(default_factory=dict)
    shore: tuple[str, ...] = ("river", "lake")
    wooded: bool = False
    """Whether its trees are a wood instead of groups."""
    roofs: float = 1.0
    """How large its buildings are."""


SITES: Mapping[str, Site] = {
    "farmland": Site(
        0.36,
        ("grass", "stubble", "green crop"),
        {
            "fields": 0.97,
            "trees": 0.45,
            "roads": 0.36,
            "buildings": 0.15,
            "water": 0.1,
            "bare-soil": 0.2,
            "cars": 0.3,
            "solar-panels": 0.006,
        },
        {
            "bales": 0.25,
            "path": 0.25,
            "tarpaulins": 0.08,
            "dark rows": 0.08,
            "railway": 0.06,
            "containers": 0.06,
        },
    ),
    "woodland": Site(
        0.13,
        ("scrub", "leaves"),
        {
            "trees": 1.0,
            "roads": 0.22,
            "water": 0.22,
            "fields": 0.1,
            "buildings": 0.05,
            "bare-soil": 0.1,
            "cars": 0.2,
        },
        {"path": 0.4, "bales": 0.05, "railway": 0.05},
        wooded=True,
    ),
    "village": Site(
        0.15,
        ("grass",),
        {
            "buildings": 1.0,
            "roads": 0.9,
            "trees": 0.75,
            "fields": 0.35,
            "cars": 0.45,
            "swimming-pools": 0.1,
            "water": 0.1,
            "car-parks": 0.08,
            "bare-soil": 0.08,
        },
        {"tarpaulins": 0.15, "containers": 0.1, "path": 0.2, "railway": 0.06},
    ),
    "town": Site(
        0.11,
        ("concrete", "grass", "rubble"),
        {
            "buildings": 1.0,
            "roads": 0.95,
            "trees": 0.4,
            "cars": 0.8,
            "car-parks": 0.3,
            "swimming-pools": 0.05,
            "water": 0.06,
            "solar-panels": 0.05,
        },
        {"containers": 0.2, "tarpaulins": 0.08, "railway": 0.12},
        roofs=1.15,
    ),
    "shore": Site(
        0.1,
        ("grass", "scrub", "sand"),
        {
            "water": 1.0,
            "beaches": 0.3,
            "trees": 0.4,
            "roads": 0.2,
            "buildings": 0.15,
            "ships": 0.1,
            "fields": 0.15,
            "cars": 0.25,
        },
        {"waves": 0.5, "path": 0.3, "bales": 0.08},
        ("coast", "coast", "lake"),
    ),
    "sea": Site(0.035, ("deep water",), {"water": 1.0, "ships": 0.3}, {"waves": 0.7}, ("sea",)),
    "harbour": Site(
        0.022,
        ("concrete", "asphalt"),
        {
            "water": 1.0,
            "ships": 0.8,
            "buildings": 0.8,
            "roads": 0.5,
            "cars": 0.5,
            "car-parks": 0.2,
            "storage-tanks": 0.12,
        },
        {"containers": 0.6, "waves": 0.2, "railway": 0.2},
        ("coast",),
        roofs=1.3,
    ),
    "works": Site(
        0.04,
        ("concrete", "rubble", "asphalt"),
        {
            "buildings": 0.9,
            "roads": 0.8,
            "cars": 0.6,
            "car-parks": 0.45,
            "storage-tanks": 0.22,
            "solar-panels": 0.15,
            "bare-soil": 0.35,
            "trees": 0.15,
        },
        {"containers": 0.5, "railway": 0.25, "tarpaulins": 0.1, "bales": 0.1},
        roofs=1.6,
    ),
    "airfield": Site(
        0.018,
        ("grass", "concrete"),
        {"aeroplanes": 0.75, "buildings": 0.5, "roads": 0.3, "cars": 0.4, "car-parks": 0.2, "trees": 0.1},
        {"runway": 0.9, "bales": 0.1},
        roofs=1.5,
    ),
    "wasteland": Site(
        0.025,
        ("rubble", "soil", "scrub"),
        {"bare-soil": 0.85, "roads": 0.4, "water": 0.25, "cars": 0.2, "trees": 0.2},
        {"path": 0.4, "containers": 0.2, "bales": 0.2},
        ("lake",),
    ),
    "solar farm": Site(
        0.01,
        ("grass", "scrub"),
        {"solar-panels": 1.0, "fields": 0.6, "roads": 0.3, "trees": 0.2},
        {"path": 0.4},
    ),
}
