"""From an object's bytes to an array of height × width × bands, without trusting the bytes."""

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from PIL.TiffImagePlugin import TiffImageFile

from aloft.imagery.errors import ImageError, TooLarge, Unreadable, WrongBands

Pixels = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32]

FORMATS = ("PNG", "JPEG", "TIFF")
"""What Pillow may try: every further decoder is one more that hostile bytes can reach."""

_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_BITS, _SAMPLES = 258, 277
"""Tags of a TIFF: the bits of each value, and the values of each pixel."""
_INSTEAD = "write it as a .npy array of height × width × bands"
_NPY = b"\x93NUMPY"
_NPY_TYPES = ("uint8", "uint16", "float32", "float64")
_READ_AS = {"P": "RGB", "PA": "RGB", "CMYK": "RGB", "YCbCr": "RGB", "LAB": "RGB", "1": "L"}
"""Modes that are another way to write down an image of the mode on the right."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What decoding one image may take: a few bytes can claim to be gigabytes."""

    pixels: int = 64_000_000
    """Height times width."""
    values: int = 256_000_000
    """Height times width times bands."""
    side: int = 32_768
    """Height, and width: what resizing takes grows with the longer one, however few the pixels are."""


DEFAULT_LIMITS = Limits()


def decode(data: bytes, bands: int, limits: Limits = DEFAULT_LIMITS) -> Pixels:
    """Read a PNG, JPEG or TIFF, or for any number of bands a `.npy` array of height × width × bands."""
    read = _read_npy if data.startswith(_NPY) else _read_picture
    try:
        return _of_known_type(read(io.BytesIO(data), bands, limits))
    except (ImageError, MemoryError):
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as bomb:
        raise TooLarge(str(bomb)) from bomb
    except UnidentifiedImageError as error:
        if data.startswith(_TIFF):
            raise Unreadable(f"it is a TIFF of a kind that is not read here: {_INSTEAD}") from error
        raise Unreadable(f"it is no {', '.join(FORMATS[:-1])} or {FORMATS[-1]}") from error
    except Exception as error:  # hostile bytes make a decoder raise anything
        raise Unreadable(f"{type(error).__name__}: {error}"[:300]) from error


def _read_picture(source: io.BytesIO, bands: int, limits: Limits) -> NDArray[np.generic]:
    with Image.open(source, formats=FORMATS) as opened:
        # Only the header has been read so far.
        _check_size(opened.height, opened.width, len(opened.getbands()), limits)
        if isinstance(opened, TiffImageFile):
            _check_tiff(opened)
        mode = _READ_AS.get(opened.mode, opened.mode)
        found = len(Image.new(mode, (1, 1)).getbands())
        if found != bands:
            raise WrongBands(found, bands)
        image = opened if opened.mode == mode else opened.convert(mode)
        return np.asarray(image).reshape(opened.height, opened.width, bands)


def _check_tiff(opened: TiffImageFile) -> None:
    """Refuse what Pillow would read with other values or fewer bands than the file has."""
    bands = int(opened.tag_v2.get(_SAMPLES, 1))
    bits = max(opened.tag_v2.get(_BITS, (1,)))
    if bands > 1 and (bits > 8 or bands != len(opened.getbands())):
        raise Unreadable(f"it is a TIFF of {bands} bands of {bits} bits, which is not read here: {_INSTEAD}")


def _read_npy(source: io.BytesIO, bands: int, limits: Limits) -> NDArray[np.generic]:
    npy = np.lib.format
    first = npy.read_magic(source) == (1, 0)
    shape, _, dtype = (npy.read_array_header_1_0 if first else npy.read_array_header_2_0)(source)
    if dtype.name not in _NPY_TYPES or len(shape) not in (2, 3) or 0 in shape:
        allowed = ", ".join(_NPY_TYPES)
        raise Unreadable(f"a .npy image is height × width × bands of {allowed}, not {shape} of {dtype}")
    height, width, found = (*shape, 1)[:3]
    _check_size(height, width, found, limits)
    if found != bands:
        raise WrongBands(found, bands)
    source.seek(0)
    pixels: NDArray[np.generic] = npy.read_array(source, allow_pickle=False)
    return pixels.reshape(height, width, bands)


def _check_size(height: int, width: int, bands: int, limits: Limits) -> None:
    if max(height, width) > limits.side:
        raise TooLarge(f"{height} × {width} pixels: no side of more than {limits.side} is decoded")
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
