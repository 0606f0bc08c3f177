"""From an object's bytes to what a network takes: decoded, resized, normalised."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aloft.imagery.decode import DEFAULT_LIMITS, Limits, Pixels, decode
from aloft.imagery.errors import Unreadable
from aloft.imagery.spec import ImageSpec

_MOST = float(np.finfo(np.float16).max)
_LARGEST = {"uint8": 255.0, "uint16": 65535.0}


def preprocess(data: bytes, spec: ImageSpec, limits: Limits = DEFAULT_LIMITS) -> NDArray[np.float32]:
    """Make height × width × bands in float32. Whole numbers are divided by the largest of their type.

    Numbers of floating point are taken to lie in [0, 1] already.
    """
    pixels = _resize(decode(data, spec.bands, limits), spec)
    scale, shift = _affine(spec, pixels.dtype.name)
    with np.errstate(over="ignore"):  # what it comes to is refused
        values = np.multiply(pixels.reshape(spec.height, -1), scale, dtype=np.float32)
    values += shift
    if pixels.dtype == np.float32:
        _check_held(values)
    return values.reshape(spec.height, spec.width, spec.bands)


def _check_held(values: NDArray[np.float32]) -> None:
    """Refuse what half precision, in which images and features are kept, cannot hold."""
    most = float(np.abs(values).max())
    if not most <= _MOST:
        raise Unreadable(f"a value is {most:.4g} when it is normalised: give 0 to 1, and nothing for no data")


@lru_cache(maxsize=64)
def _affine(spec: ImageSpec, dtype: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Say, for each value of an image's row, by what it is multiplied and what is added after.

    In place of three steps: divide by the type's largest, subtract the mean, divide by the deviation.
    A row and not a pixel, because NumPy is several times as quick along more than a few values.
    """
    std = np.tile(np.asarray(spec.std), spec.width)
    scale = 1.0 / (_LARGEST.get(dtype, 1.0) * std)
    shift = -np.tile(np.asarray(spec.mean), spec.width) / std
    return scale.astype(np.float32), shift.astype(np.float32)


def _resize(pixels: Pixels, spec: ImageSpec) -> Pixels:
    if pixels.shape[:2] == (spec.height, spec.width):
        return pixels
    size = (spec.width, spec.height)
    if pixels.dtype == np.uint8 and spec.bands in (1, 3):
        picture = Image.fromarray(pixels[..., 0] if spec.bands == 1 else pixels)
        return np.asarray(picture.resize(size, Image.Resampling.BILINEAR)).reshape(*size[::-1], spec.bands)
    # Pillow resamples other images a band at a time, in single precision.
    resized = np.empty((spec.height, spec.width, spec.bands), np.float32)
    for band in range(spec.bands):
        plane = Image.fromarray(pixels[..., band].astype(np.float32))
        resized[..., band] = np.asarray(plane.resize(size, Image.Resampling.BILINEAR))
    if pixels.dtype == np.uint16:
        return np.rint(resized).astype(np.uint16)
    return np.rint(resized).astype(np.uint8) if pixels.dtype == np.uint8 else resized
