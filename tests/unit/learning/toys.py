"""Small pools, and ports that a training is run with."""

import numpy as np
import torch
from numpy.typing import NDArray

from aloft.networks import Backbone, save_weights

CPU = torch.device("cpu")
SIZE = 16


class Stopped(Exception):
    """Somebody wants the training to end."""


class Kept:
    """Checkpoints in memory."""

    def __init__(self, data: bytes | None = None) -> None:
        self.data = data
        self.saved = 0

    def load(self) -> bytes | None:
        return self.data

    def save(self, data: bytes) -> None:
        self.data = data
        self.saved += 1


class Watched:
    """Progress that is remembered, and that raises after so many steps."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.told: list[tuple[int, int, str]] = []
        self._stop_after = stop_after

    def __call__(self, done: int, total: int, stage: str) -> None:
        self.told.append((done, total, stage))
        if done == self._stop_after:
            raise Stopped


def noise(count: int, bands: int = 3) -> NDArray[np.float32]:
    return np.random.default_rng(1).normal(size=(count, SIZE, SIZE, bands)).astype(np.float32)


def stripes(count: int, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Draw images with coarse or with fine stripes, and a square or none; say which of both each has.

    Neither shows in the mean of an image, so a network has to look at structure.
    """
    draw = np.random.default_rng(seed)
    targets = draw.integers(0, 2, (count, 2))
    along = np.arange(SIZE)[None, None, :]
    period = np.where(targets[:, 0] == 1, 3.0, 8.0)[:, None, None]
    waves = np.sin(2 * np.pi * along / period + draw.uniform(0, 6.28, (count, 1, 1)))
    images = np.broadcast_to(waves, (count, SIZE, SIZE)).copy()
    for image, has_square in zip(images, targets[:, 1], strict=True):
        row, column = draw.integers(0, SIZE - 6, 2)
        image[row : row + 6, column : column + 6] = 2.5 if has_square else image.mean()
    images = np.repeat(images[..., None], 3, axis=3) + 0.3 * draw.normal(size=(count, SIZE, SIZE, 3))
    return images.astype(np.float32), targets.astype(np.float32)


def same_weights(first: Backbone, second: Backbone) -> bool:
    return save_weights(first) == save_weights(second)
