"""Rare labels made rarer: an archive as unbalanced as archives are."""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aloft.strategies.pool import Ids
from aloft.strategies.seeds import derive, uniform

RARE = 0.05
"""Where nothing is thinned, a label is rare that less than this share of all images has."""

_FORM = re.compile(r"below=(?P<below>\d+),keep=(?P<keep>0?\.\d+|0|1(\.0*)?)")


@dataclass(frozen=True, slots=True)
class Imbalance:
    """Of the pool's images that hold any label with fewer than `below` images, keep a share."""

    below: int
    keep: float

    def __post_init__(self) -> None:
        if self.below < 0 or not 0 <= self.keep <= 1:
            raise ValueError(f"{self}: below is a number of images, keep a share from 0 to 1")

    def __str__(self) -> str:
        return f"below={self.below},keep={self.keep:g}"


def parse(spec: str) -> Imbalance:
    """Read `below=120,keep=0.15`; anything else raises `ValueError`."""
    found = _FORM.fullmatch(spec.replace(" ", ""))
    if found is None:
        raise ValueError(
            f"{spec!r}: write below=IMAGES,keep=SHARE with a share from 0 to 1, such as below=120,keep=0.15"
        )
    return Imbalance(int(found["below"]), float(found["keep"]))


def rare(targets: NDArray[np.uint8], imbalance: Imbalance | None, share: float) -> NDArray[np.bool_]:
    """Say which labels count as rare: those that are thinned, or else those of less than a share of all."""
    positives = targets.sum(axis=0, dtype=np.int64)
    found: NDArray[np.bool_] = positives < (share * len(targets) if imbalance is None else imbalance.below)
    return found


def kept(
    images: Ids, targets: NDArray[np.uint8], scarce: NDArray[np.bool_], keep: float, seed: int
) -> NDArray[np.bool_]:
    """Say which images stay: all without a scarce label, and of the others a share drawn by image id."""
    stays: NDArray[np.bool_] = uniform(images, derive(seed, "thinning")) < keep
    return stays | ~targets[:, scarce].any(axis=1)
