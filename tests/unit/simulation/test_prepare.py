import io
from collections import Counter

import numpy as np
from PIL import Image

from experiments import prepare
from experiments.prepare import Tile

CLASSES = ("Forest", "River", "SeaLake")


def tile(number: int) -> Tile:
    written = io.BytesIO()
    Image.new("RGB", (8, 8), (number, 0, 0)).save(written, "PNG")
    return Tile(f"images/{number}.png", CLASSES[number % 3], written.getvalue())


TILES = [tile(number) for number in range(60)]


def test_classes_follow_zipfs_law() -> None:
    chances = prepare.zipf(10)
    assert np.isclose(chances.sum(), 1.0)
    assert np.isclose(chances[0] / chances[3], 4**1.5)


def test_tiles_are_split_within_each_class_and_no_tile_is_on_two_sides() -> None:
    parts = prepare.split(
        [*TILES, Tile("images/again.png", "Forest", TILES[0].data)], np.random.default_rng(0)
    )
    assert {name: len(part) for name, part in parts.items()} in (
        {"pool": 37, "validation": 6, "test": 18},
        {"pool": 36, "validation": 7, "test": 18},
        {"pool": 36, "validation": 6, "test": 19},
    )
    sides = [{each.data for each in part} for part in parts.values()]
    assert sum(map(len, sides)) == len(set.union(*sides)) == 60


def test_a_mosaic_has_the_labels_of_its_tiles_and_their_size() -> None:
    reds = {label: {n for n in range(60) if CLASSES[n % 3] == label} for label in CLASSES}
    seen = Counter[str]()
    for pixels, labels in prepare.mosaics(TILES, 50, np.random.default_rng(0)):
        assert pixels.shape == (8, 8, 3)
        there = set(np.unique(pixels[:, :, 0]).tolist())
        assert {label for label in CLASSES if there & reds[label]} == labels
        seen.update(labels)
    assert seen["Forest"] > seen["River"] > seen["SeaLake"]
