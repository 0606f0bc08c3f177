"""The day on which a scene was seen: season, sun, haze, the sensor's noise and which way is up."""

from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.typing import NDArray

from aloft.demo.canvas import Canvas
from aloft.demo.materials import NAMES, VEGETATION

HAZE = 196.0
"""What haze looks like where nothing is seen through it."""


@dataclass(frozen=True, slots=True)
class Light:
    """What comes between the ground and the pixels."""

    withered: float
    """How brown vegetation is."""
    gain: float
    haze: float
    tint: float
    slope: tuple[float, float]
    """How much brighter one side is than the other, along both axes."""
    noise: float
    turns: int
    mirrored: bool
    seed: int

    @classmethod
    def of(cls, chance: Random) -> "Light":
        """Choose a day."""
        return cls(
            withered=max(0.0, chance.uniform(-0.4, 0.8)),
            gain=chance.uniform(0.7, 1.2),
            haze=max(0.0, chance.uniform(-0.15, 0.35)),
            tint=chance.uniform(-0.07, 0.07),
            slope=(chance.uniform(-0.12, 0.12), chance.uniform(-0.12, 0.12)),
            noise=chance.uniform(3.0, 9.0),
            turns=chance.randrange(4),
            mirrored=chance.random() < 0.5,
            seed=chance.getrandbits(64),
        )

    def develop(self, canvas: Canvas, spectra: NDArray[np.float32], size: int) -> NDArray[np.uint8]:
        """Turn inks into bands of `size` × `size` pixels."""
        table = self._table(canvas, spectra)
        bands = [self._band(canvas, table[:, band]) for band in range(table.shape[1])]
        pixels = np.stack(bands, axis=-1).astype(np.float32)
        across = np.linspace(-1, 1, size, dtype=np.float32)
        pixels *= (1 + self.slope[0] * across[:, None] + self.slope[1] * across)[..., None]
        noise = np.random.default_rng(self.seed).standard_normal(pixels.shape, dtype=np.float32)
        pixels += self.noise * noise
        pixels = np.rot90(pixels[:, ::-1] if self.mirrored else pixels, self.turns)
        return np.ascontiguousarray(np.clip(np.rint(pixels), 0, 255)).astype(np.uint8)

    def _table(self, canvas: Canvas, spectra: NDArray[np.float32]) -> NDArray[np.float32]:
        """Give each ink its brightness in each band, as it is on this day."""
        known, withered = spectra[:-1].copy(), spectra[-1]
        alive = [NAMES.index(name) for name in VEGETATION]
        known[alive] += self.withered * (withered - known[alive])
        materials, gains = canvas.inks()
        seen = known[materials] * gains[:, None] * self.gain
        tints = 1 + self.tint * np.linspace(1, -1, seen.shape[1], dtype=np.float32)
        return (seen * tints * (1 - self.haze) + HAZE * self.haze).astype(np.float32)

    def _band(self, canvas: Canvas, column: NDArray[np.float32]) -> NDArray[np.uint8]:
        lookup = np.zeros(256, dtype=np.uint8)
        lookup[: len(column)] = np.clip(np.rint(column), 0, 255)
        small = canvas.image.point(lookup.tolist()).reduce(canvas.SCALE)
        return np.asarray(small)
