"""A pool for the system under test: small images whose labels follow from how they were drawn."""

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

LABELS = ("field", "water", "road")
SIZE = 32
_COLOURS = {"field": (60, 150, 70), "water": (30, 70, 160), "road": (150, 150, 150)}


@dataclass(frozen=True, slots=True)
class Drawn:
    """One image of the pool."""

    key: str
    data: bytes
    shows: tuple[str, ...]

    @property
    def digest(self) -> str:
        """Its SHA-256."""
        return hashlib.sha256(self.data).hexdigest()


def draw(count: int, seed: int = 0) -> Sequence[Drawn]:
    """Draw images, the same ones for the same seed; a key says nothing of what its image shows."""
    chance = np.random.default_rng(seed)
    return [_draw(number, chance, seed) for number in range(count)]


def _draw(number: int, chance: np.random.Generator, seed: int) -> Drawn:
    shows = tuple(label for label in LABELS if chance.random() < 0.4)
    pixels = chance.normal(110, 12, (SIZE, SIZE, 3))
    for label in shows:
        top, left = chance.integers(0, SIZE - 12, 2)
        pixels[top : top + 12, left : left + 12] = np.array(_COLOURS[label]) + chance.normal(0, 10, 3)
    file = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(file, "PNG")
    name = hashlib.sha256(f"{seed}/{number}".encode()).hexdigest()
    return Drawn(f"{name[:2]}/{name[2:20]}.png", file.getvalue(), shows)
