"""The scenes are frozen: strategies and recipes are compared on them exactly as they are."""

import hashlib
from collections import Counter
from random import Random

import numpy as np
import pytest

from aloft.demo.pool import draw
from aloft.demo.scenes import KINDS, choose, render
from aloft.imagery import ImageSpec, preprocess

FROZEN = [
    (0, 64, 3, "fields", "bbf7df2bae9c91b4125c3f1d4fade56b"),
    (258, 64, 3, "aeroplanes", "69e56ead618604103a3a4a40f20fbcd1"),
    (49, 64, 3, "storage-tanks", "93c569cd5d728e22206ce70552d3cf2d"),
    (1, 128, 3, "ships", "f50a46b989e79f9fc5599c5a884ee3eb"),
    (3, 64, 12, "swimming-pools", "b8dee75ea07f07aab4ca9a82275bf41d"),
]
"""Scene, size, bands, one label, and the beginning of the SHA-256 of the pixels."""

FREQUENCIES = {
    "fields": 1739,
    "bare-soil": 549,
    "beaches": 116,
    "water": 939,
    "roads": 1908,
    "car-parks": 296,
    "buildings": 1613,
    "trees": 2046,
    "swimming-pools": 71,
    "solar-panels": 90,
    "storage-tanks": 46,
    "cars": 933,
    "ships": 141,
    "aeroplanes": 70,
}
"""Of the first 4000 scenes of seed 0, those that show each label."""


@pytest.mark.parametrize(("number", "size", "bands", "label", "digest"), FROZEN)
def test_scenes_are_drawn_as_they_always_were(
    number: int, size: int, bands: int, label: str, digest: str
) -> None:
    chance = Random(f"0/{number}")
    scene = choose(chance)
    assert label in scene.shown
    drawn = hashlib.sha256(render(scene, size, chance, bands).tobytes()).hexdigest()
    assert drawn.startswith(digest), f"scene {number} is not what strategies were compared on"


def test_labels_are_as_common_as_they_always_were() -> None:
    counted = Counter(label for number in range(4000) for label in choose(Random(f"0/{number}")).shown)
    assert {label: counted[label] for label in KINDS} == FREQUENCIES


def test_labels_keep_company() -> None:
    scenes = [set(choose(Random(f"1/{number}")).shown) for number in range(3000)]
    assert all("water" in shown for shown in scenes if "ships" in shown), "a ship on dry land"
    assert all(shown & {"roads", "car-parks"} for shown in scenes if "cars" in shown), "a car in a field"
    assert all(scenes), "every scene shows something"


@pytest.mark.parametrize("bands", [3, 12])
def test_what_is_drawn_is_what_the_services_read(bands: int) -> None:
    drawn = draw(3, 32, 0, bands)
    seen = preprocess(drawn.data, ImageSpec(height=32, width=32, bands=bands))
    assert seen.shape == (32, 32, bands)
    assert np.isfinite(seen).all()
    assert seen.std() > 0.1, "there is something to see"


def test_a_scene_is_the_same_scene_at_any_size() -> None:
    def mean(size: int) -> float:
        chance = Random("0/8")
        return float(render(choose(chance), size, chance).mean())

    assert mean(64) == pytest.approx(mean(256), abs=2.0)
