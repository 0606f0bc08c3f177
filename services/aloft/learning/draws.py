"""Everything random, drawn by (seed, purpose, step) alone: who resumes needs no generator's state."""

import zlib

import numpy as np
from numpy.typing import NDArray


def drawn(seed: int, purpose: str, step: int) -> np.random.Generator:
    """Make the generator of one step and purpose."""
    return np.random.default_rng([zlib.crc32(purpose.encode()), seed % 2**64, step])


class Batches:
    """Which images each step sees: the pool in one random order after another.

    What is left over at the end of an order waits for the next, so that no batch has an image twice, which a
    contrastive loss would push away from itself.
    """

    def __init__(self, images: int, batch_images: int, seed: int) -> None:
        if images < 1 or batch_images < 1:
            raise ValueError(f"no batch of {batch_images} can be made of {images} images")
        self._images = images
        self.size = min(batch_images, images)
        """Images in each batch."""
        self._seed = seed
        self._epoch = -1
        self._order: NDArray[np.intp] = np.empty(0, np.intp)

    def rows(self, step: int) -> NDArray[np.intp]:
        """Say which images a step takes, in ascending order, as a mapped file is best read."""
        epoch, place = divmod(step, self._images // self.size)
        if epoch != self._epoch:
            self._order = drawn(self._seed, "order", epoch).permutation(self._images)
            self._epoch = epoch
        return np.sort(self._order[place * self.size : (place + 1) * self.size])
