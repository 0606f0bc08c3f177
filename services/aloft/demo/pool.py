"""Draws a pool of images, the same for the same seed, and writes down beside it what each shows."""

import hashlib
import io
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random

from aloft.demo.scenes import KINDS, choose, render
from aloft.demo.truth import Truth


@dataclass(frozen=True, slots=True)
class DrawnPool:
    """A pool that was drawn: its keys, and how many images show each label."""

    keys: tuple[str, ...]
    labels: Mapping[str, int]


def draw_pool(folder: Path, truth: Path, *, count: int = 200, size: int = 64, seed: int = 0) -> DrawnPool:
    """Write `count` images into a folder and their labels into a file elsewhere; safe to repeat.

    The truth must not lie where a service can read it: not in the pool, and not in the aloft bucket.
    """
    if truth.resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"{truth} lies in the pool {folder}: services could read it there")
    keys, images = [], {}
    tally: Counter[str] = Counter()
    for number in range(count):
        key, data, shown = _draw(number, size, seed)
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        keys.append(key)
        images[hashlib.sha256(data).hexdigest()] = shown
        tally.update(shown)
    Truth(tuple(KINDS), images).save(truth)
    return DrawnPool(tuple(keys), {name: tally[name] for name in KINDS})


def _draw(number: int, size: int, seed: int) -> tuple[str, bytes, list[str]]:
    chance = Random(f"{seed}/{number}")
    shown = choose(chance)
    file = io.BytesIO()
    render(shown, size, chance).save(file, "PNG")
    # The key says nothing of the scene: it is a hash of the number alone.
    name = hashlib.sha256(f"{seed}/{number}".encode()).hexdigest()
    return f"{name[:2]}/{name[2:4]}/{name[4:20]}.png", file.getvalue(), shown
