"""Golden inputs: images drawn by code, to which a version must answer as it did when it was made."""

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from aloft.imagery import ImageSpec, preprocess

IMAGES = 4

TOLERANCE = {"float32": 1e-3, "bfloat16": 1e-1}
"""How far an answer may lie from its golden one, by the precision it was computed in: a part of the largest
golden value. See docs/decisions/golden-outputs.md."""


def golden_images(spec: ImageSpec, seed: int) -> NDArray[np.float32]:
    """Draw the images as a network takes them: images × height × width × bands, normalised."""
    return np.stack([preprocess(data, spec) for data in golden_inputs(spec, seed)])


def golden_inputs(spec: ImageSpec, seed: int) -> tuple[bytes, ...]:
    """Draw the images as a client would send them: `.npy` files."""
    return tuple(_npy(_mosaic(spec, seed, index)) for index in range(IMAGES))


def deviation(answered: Sequence[Sequence[float]], golden: Sequence[Sequence[float]]) -> float:
    """Say how far answers lie from golden ones, as a part of the largest golden value."""
    ours, theirs = np.asarray(golden, np.float64), np.asarray(answered, np.float64)
    if ours.shape != theirs.shape or not np.isfinite(theirs).all():
        return float("inf")
    return float(np.abs(ours - theirs).max(initial=0) / max(np.abs(ours).max(initial=0), 1e-6))


def _mosaic(spec: ImageSpec, seed: int, index: int) -> NDArray[np.uint8]:
    # Cells of another size in each image, because a network's mean over fine noise is nearly the same in all.
    cells = 2 ** (index + 1)
    # Raw bits, because only these are promised to stay the same from one NumPy to the next.
    raw = np.random.PCG64([seed, index]).random_raw(cells * cells * spec.bands)
    grid = (np.asarray(raw, np.uint64) >> np.uint64(56)).astype(np.uint8).reshape(cells, cells, spec.bands)
    rows = np.arange(spec.height) * cells // spec.height
    columns = np.arange(spec.width) * cells // spec.width
    mosaic: NDArray[np.uint8] = grid[rows][:, columns]
    return mosaic


def _npy(pixels: NDArray[np.uint8]) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, np.ascontiguousarray(pixels), version=(1, 0), allow_pickle=False)
    return file.getvalue()
