"""From an object's bytes to an array of height × width × bands, without trusting the bytes."""

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aloft.imagery.errors import ImageError, TooLarge, Unreadable, WrongBands

Pixels = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32]

FORMATS = ("PNG", "JPEG", "TIFF")
"""What Pillow may try: every further decoder is one more that hostile bytes can reach."""

_NPY = b"\x93NUMPY"
_NPY_TYPES = ("uint8", "uint16", "float32", "float64")
_READ_AS = {"P": "RGB", "PA": "RGB", "CMYK": "RGB", "YCbCr": "RGB", "LAB": "RGB", "1": "L", "I;16B": "I;16"}
"""Modes that are another way to write down an image of the mode on the right."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What decoding one image may take: a few bytes can claim to be gigabytes."""

    pixels: int = 64_000_000
    """Height times width."""
    values: int = 256_000_000
    """Height times width times bands."""


DEFAULT_LIMITS = Limits()


def decode(data: bytes, bands: int, limits: Limits = DEFAULT_LIMITS) -> Pixels:
    """Read a PNG, JPEG or TIFF, or for any number of bands a `.npy` array of height × width × bands."""
    return _decode_npy(data, bands, limits) if data.startswith(_NPY) else _decode_picture(data, bands, limits)


def _decode_picture(data: bytes, bands: int, limits: Limits) -> Pixels:
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
            # Only the header has been read so far.
            _check_size(opened.height, opened.width, len(opened.getbands()), limits)
            mode = _READ_AS.get(opened.mode, opened.mode)
            found = len(Image.new(mode, (1, 1)).getbands())
            if found != bands:
                raise WrongBands(found, bands)
            image = opened if opened.mode == mode else opened.convert(mode)
            pixels = np.asarray(image)
    except ImageError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as bomb:
        raise TooLarge(str(bomb)) from bomb
    except Exception as error:  # hostile bytes make a decoder raise anything
        raise Unreadable(f"{type(error).__name__}: {error}"[:300]) from error
    return _of_known_type(pixels.reshape(*pixels.shape[:2], bands))


def _decode_npy(data: bytes, bands: int, limits: Limits) -> Pixels:
    source = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(source)
        read_header = (
            np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        )
        shape, _, dtype = read_header(source)
        if dtype.name not in _NPY_TYPES or len(shape) not in (2, 3) or 0 in shape:
            raise Unreadable(
                f"a .npy image is height × width × bands of {', '.join(_NPY_TYPES)}, not {shape} of {dtype}"
            )
        height, width, found = (*shape, 1)[:3]
        _check_size(height, width, found, limits)
        if found != bands:
            raise WrongBands(found, bands)
        source.seek(0)
        pixels = np.lib.format.read_array(source, allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise Unreadable(f"not a .npy array that can be read: {error}"[:300]) from error
    return _of_known_type(pixels.reshape(height, width, bands))


def _check_size(height: int, width: int, bands: int, limits: Limits) -> None:
    if height * width > limits.pixels or height * width * bands > limits.values:
        raise TooLarge(f"{height} × {width} pixels of {bands} bands are more than is decoded")


def _of_known_type(pixels: NDArray[np.generic]) -> Pixels:
    if pixels.dtype == np.uint8:
        return pixels.view(np.uint8)
    if pixels.dtype.kind == "u" and pixels.dtype.itemsize == 2:
        return pixels.astype(np.uint16, copy=False)
    if pixels.dtype.kind != "f":
        raise Unreadable(f"its values are {pixels.dtype}; whole numbers have 8 or 16 bits and no sign")
    values = pixels.astype(np.float32)
    if not np.isfinite(values).all():
        raise Unreadable("it has values that are not finite numbers")
    return values
