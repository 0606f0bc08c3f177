"""`full`: each round fine-tunes backbone and head from the starting weights."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from aloft.learning import FineTuneRecipe, features_of
from aloft.learning.bald import mutual_information
from aloft.learning.fine_tuning import fine_tune, fine_tune_with_losses
from aloft.networks import Backbone, Head
from aloft.simulation.keeping import write_arrays
from aloft.simulation.versions import Features, Version


class Full:
    """Learns networks, and keeps what each says of the images: arms that begin alike share their first."""

    def __init__(
        self,
        backbone: Backbone,
        pixels: tuple[NDArray[np.float16], NDArray[np.float16], NDArray[np.float16]],
        pool: Features,
        recipe: FineTuneRecipe,
        device: torch.device,
        kept: Path,
        *,
        losses: bool,
    ) -> None:
        """`losses` says whether networks learn to foretell them, which changes nothing else of them."""
        self._backbone = backbone
        self._pixels = pixels
        self._pool = pool
        self._recipe = recipe
        self._device = device
        self._kept = kept
        self._losses = losses

    def base(self) -> Features:
        """Give the pool's features under the starting weights."""
        return self._pool

    def learn(self, rows: NDArray[np.intp], targets: NDArray[np.float32], seed: int) -> Version:
        """Fine-tune, or take what came of it before."""
        recipe = replace(self._recipe, seed=seed)
        path = self._path(rows, targets, seed)
        if not path.exists():
            write_arrays(path, **self._learned(rows, targets, recipe))
        with np.load(path) as arrays:
            features = Features(arrays["features"], arrays["norms"])
            head = Head(arrays["weight"], arrays["bias"])
            logits, validation, test = (arrays[name] for name in ("logits", "validation", "test"))
            foretold = arrays["mll"] if self._losses else None
        columns: dict[str, Callable[[], NDArray[np.float32]]] = {
            "bald": partial(mutual_information, features.values, head, seed=seed)
        }
        if foretold is not None:
            columns["mll"] = lambda: foretold
        return Version(features, logits, validation, test, columns)

    def _path(self, rows: NDArray[np.intp], targets: NDArray[np.float32], seed: int) -> Path:
        name = hashlib.sha256(
            f"{seed} {self._losses}\n".encode() + rows.tobytes() + targets.tobytes()
        ).hexdigest()
        return self._kept / f"{name}.npz"

    def _learned(
        self, rows: NDArray[np.intp], targets: NDArray[np.float32], recipe: FineTuneRecipe
    ) -> dict[str, NDArray[np.generic]]:
        pool, validation, test = self._pixels
        given = (self._backbone, pool[rows], targets, recipe, self._device, _silent, _NoCheckpoints())
        beside: dict[str, NDArray[np.generic]] = {}
        if self._losses:
            backbone, head, losses = fine_tune_with_losses(*given)
            staged = features_of(backbone, pool, self._device, staged=True)
            pool_features, stages = np.split(staged, [backbone.feature_size], axis=1)
            beside["mll"] = losses.predict(stages)
        else:
            backbone, head = fine_tune(*given)
            pool_features = features_of(backbone, pool, self._device)
        judged = [features_of(backbone, part, self._device) for part in (validation, test)]
        seen = [Features.of(features) for features in (pool_features, *judged)]
        logits = [head.logits(part.values) for part in seen]
        return {
            "features": seen[0].values,
            "norms": seen[0].norms,
            "weight": head.weight,
            "bias": head.bias,
            "logits": logits[0],
            "validation": logits[1],
            "test": logits[2],
            **beside,
        }


def _silent(done: int, total: int, stage: str) -> None:
    """Tell nobody: a round is what is told of."""


class _NoCheckpoints:
    """A round is short: one that was killed begins anew."""

    def load(self) -> bytes | None:
        return None

    def save(self, data: bytes) -> None:
        return None
