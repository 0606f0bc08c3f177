"""Chance that depends on a seed and an image's id alone, never on the order in which images are read."""

import hashlib

import numpy as np
from numpy.typing import NDArray

from aloft.strategies.pool import Ids


def derive(seed: int, *parts: str | int) -> int:
    """Make a seed for one purpose: the first 64 bits of SHA-256 over the seed and the purpose."""
    digest = hashlib.sha256("/".join(map(str, ("aloft", seed, *parts))).encode()).digest()
    return int.from_bytes(digest[:8], "big")


def uniform(images: Ids, seed: int) -> NDArray[np.float64]:
    """Draw a number in [0, 1) for each image.

    With h, l the two halves of the id and m the finaliser of splitmix64 (Steele, Lea & Flood, OOPSLA 2014):
    u = ⌊m(m(h ⊕ m(seed)) ⊕ l) / 2¹¹⌋ / 2⁵³.
    """
    halves = np.ascontiguousarray(images).view("<u8").reshape(-1, 2)
    salt = _mix(np.array([seed % 2**64], dtype=np.uint64))
    mixed = _mix(_mix(halves[:, 0] ^ salt) ^ halves[:, 1])
    return (mixed >> np.uint64(11)).astype(np.float64) / 2.0**53


def _mix(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    value = value + np.uint64(0x9E3779B97F4A7C15)
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))
