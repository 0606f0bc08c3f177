"""What a model version says of the images, as embedding would write it down."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

LARGEST = float(np.finfo(np.float16).max)

Columns = Mapping[str, Callable[[], NDArray[np.float32]]]
"""What takes the network's weights to compute, by name; computed when it is asked for."""


@dataclass(frozen=True, slots=True)
class Features:
    """Features in half precision, and their lengths from before they were rounded."""

    values: NDArray[np.float16]
    norms: NDArray[np.float32]

    @classmethod
    def of(cls, features: NDArray[np.float32]) -> "Features":
        """Round features."""
        if not (np.abs(features) <= LARGEST).all():
            raise ArithmeticError("the network makes features that half precision cannot hold")
        return cls(features.astype(np.float16), np.linalg.norm(features, axis=1).astype(np.float32))

    def rows(self, rows: NDArray[np.intp]) -> "Features":
        """Take some of the images."""
        return Features(self.values[rows], self.norms[rows])


@dataclass(frozen=True, slots=True)
class Version:
    """The pool under one version, row for row in order of image id, and the logits by which it is judged."""

    pool: Features
    logits: NDArray[np.float32]
    validation: NDArray[np.float32]
    test: NDArray[np.float32]
    columns: Columns = field(default_factory=dict)


class Learner(Protocol):
    """Makes versions of labelled images of the pool."""

    def base(self) -> Features:
        """Give the pool's features under the version without a head."""

    def learn(self, rows: NDArray[np.intp], targets: NDArray[np.float32], seed: int) -> Version:
        """Learn from rows of the pool, which are in ascending order."""
