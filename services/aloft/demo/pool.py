"""Draws a pool of images, the same for the same seed, and writes down beside it what each shows."""

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
from PIL import Image

from aloft.demo.scenes import KINDS, Pixels, choose, render
from aloft.demo.truth import Truth

POOL, VALIDATION, TEST = "pool", "validation", "test"
PAUSE = 100
"""Images between two pauses."""


@dataclass(frozen=True, slots=True)
class DrawnPool:
    """A pool that was drawn: its keys, and how many images that may be selected show each label."""

    keys: tuple[str, ...]
    labels: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Drawn:
    """One image: its object, and what it shows."""

    key: str
    data: bytes
    shown: Sequence[str]


def draw_pool(
    folder: Path,
    truth: Path,
    *,
    count: int = 200,
    size: int = 64,
    seed: int = 0,
    bands: int = 3,
    validation: int = 0,
    test: int = 0,
    manifest: str = "",
    pause: Callable[[], None] = lambda: None,
) -> DrawnPool:
    """Write images into a folder and their labels into a file elsewhere; safe to repeat.

    `count` images may be selected; so many more are held out. A manifest, if it gets a name, lists all of
    them, and the labels of those held out alone. The truth of the others must lie where no service reads it.
    `pause` is called now and then, and may raise.
    """
    if truth.resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"{truth} lies in the pool {folder}: services could read it there")
    splits = [POOL] * count + [VALIDATION] * validation + [TEST] * test
    images, rows = {}, []
    tally: Counter[str] = Counter()
    for number, split in enumerate(splits):
        if number % PAUSE == 0:
            pause()
        drawn = draw(number, size, seed, bands)
        path = folder / drawn.key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(drawn.data)
        rows.append((drawn.key, split, drawn.shown))
        if split == POOL:
            images[hashlib.sha256(drawn.data).hexdigest()] = drawn.shown
            tally.update(drawn.shown)
    Truth(tuple(KINDS), images).save(truth)
    if manifest:
        (folder / manifest).write_text(_manifest(rows))
    return DrawnPool(tuple(key for key, _, _ in rows), {name: tally[name] for name in KINDS})


def draw(number: int, size: int, seed: int, bands: int = 3) -> Drawn:
    """Draw the image of a number: a PNG, or a `.npy` array where there are more than three bands."""
    chance = Random(f"{seed}/{number}")
    scene = choose(chance)
    return Drawn(key_of(number, seed, bands), _written(render(scene, size, chance, bands)), scene.shown)


def key_of(number: int, seed: int, bands: int = 3) -> str:
    """Say the key of an image. It says nothing of the scene: it is a hash of the number alone."""
    name = hashlib.sha256(f"{seed}/{number}".encode()).hexdigest()
    return f"{name[:2]}/{name[2:4]}/{name[4:20]}{'.png' if bands == 3 else '.npy'}"


def _written(pixels: Pixels) -> bytes:
    file = io.BytesIO()
    if pixels.shape[-1] == 3:
        Image.fromarray(pixels).save(file, "PNG", compress_level=1)
    else:
        np.save(file, pixels, allow_pickle=False)
    return file.getvalue()


def _manifest(rows: Sequence[tuple[str, str, Sequence[str]]]) -> str:
    lines = io.StringIO()
    writer = csv.writer(lines)
    writer.writerow(["key", "split", *KINDS])
    for key, split, shown in rows:
        told = [""] * len(KINDS) if split == POOL else [int(name in shown) for name in KINDS]
        writer.writerow([key, split, *told])
    return lines.getvalue()
