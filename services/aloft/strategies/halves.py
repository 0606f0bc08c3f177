"""Half precision to single, some five times as fast as NumPy casts it."""

import numpy as np
from numpy.typing import NDArray

from aloft.strategies.pool import Features

_ROWS = 128
_SIGN_AND_DIGITS = np.int32(-0x70002000)
_EXPONENT = np.uint16(0x7C00)
_BIAS = np.float32(2.0**112)


def usable(rows: Features) -> NDArray[np.bool_]:
    """Say which rows hold finite numbers alone."""
    if rows.dtype != np.float16:
        return np.asarray(np.isfinite(rows).all(axis=1))
    found = np.empty(len(rows), dtype=bool)
    for start in range(0, len(rows), _ROWS):
        exponents = rows[start : start + _ROWS].view(np.uint16) & _EXPONENT
        found[start : start + _ROWS] = exponents.max(axis=1, initial=0) < _EXPONENT
    return found


def keep(rows: Features, to: Features) -> NDArray[np.bool_]:
    """Copy rows, and say which hold finite numbers alone."""
    found = np.empty(len(rows), dtype=bool)
    # Some rows at a time: they are looked at while the core's own cache has them.
    for start in range(0, len(rows), _ROWS):
        part = slice(start, start + _ROWS)
        to[part] = rows[part]
        found[part] = usable(to[part])
    return found


def singles(rows: Features, out: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
    """Convert rows to single precision, into `out` if given.

    The bits are moved: sign and digits to where single precision has them, then times 2¹¹² for the other bias
    of its exponent. What is not finite comes out as a number of at least 2¹⁶: leave it out beforehand.
    """
    if out is None:
        out = np.empty(rows.shape, dtype=np.float32)
    if rows.dtype != np.float16:
        np.copyto(out, rows, casting="same_kind")
        return out
    bits = out.view(np.int32)
    # Some rows at a time, so that the four steps find them in the core's own cache.
    for start in range(0, len(rows), _ROWS):
        part = slice(start, start + _ROWS)
        np.copyto(bits[part], rows[part].view(np.int16))
        np.left_shift(bits[part], 13, out=bits[part])
        np.bitwise_and(bits[part], _SIGN_AND_DIGITS, out=bits[part])
        np.multiply(out[part], _BIAS, out=out[part])
    return out
