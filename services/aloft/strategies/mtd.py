"""`mtd`: how far what the network says of an image has moved since the promoted version before.

After Huang, Wang, Xiong, Huan & Dou, Semi-Supervised Active Learning with Temporal Output Discrepancy, ICCV
2021 (arXiv:2107.14153); of probabilities, one for each label, as Möllenbrok & Demir do (arXiv:2212.01165).
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from aloft.strategies import mge, scoring
from aloft.strategies.pool import Block, Earlier, Ids, Pool
from aloft.strategies.scoring import Scorer, Scores

_STEPS = 65_535
"""Steps between 0 and 1 in which probabilities are held: two bytes each, as fine near 1 as near 0."""


@dataclass(frozen=True, slots=True)
class Before:
    """What the version before said of the common labels: an id and two bytes a label for each image."""

    images: Ids
    """Sorted."""
    said: NDArray[np.uint16]
    columns: NDArray[np.intp]
    """Where the common labels are in the logits of today."""


def scorer(pool: Pool) -> Scorer:
    """Score each image by u_i = ‖σ(f_t) − σ(f_{t−1})‖₂ over the labels that both versions have.

    One that the version before did not see has no score. Where there was no such version, or none with a
    label in common, it is `mge`.
    """
    earlier = pool.earlier()
    before = None if earlier is None else _before(earlier, pool.known.labels)
    return mge.score if before is None else partial(score, before=before)


def score(block: Block, before: Before) -> Scores:
    """Score a block."""
    if block.logits is None:
        raise TypeError("this strategy reads logits, and the pool was opened without them")
    scores = np.full(len(block), np.nan)
    place = np.searchsorted(before.images, block.images)
    seen = place < len(before.images)
    seen[seen] = before.images[place[seen]] == block.images[seen]
    seen &= np.isfinite(block.logits).all(axis=1)
    # Rounded alike, so that what has not moved at all has not.
    now = _held(block.logits[seen][:, before.columns]).astype(np.float64)
    moved = (now - before.said[place[seen]]) / _STEPS
    scores[seen] = np.sqrt(np.square(moved).sum(axis=1))
    return scores


def _before(earlier: Earlier, labels: tuple[str, ...]) -> Before | None:
    common = [label for label in labels if label in earlier.labels]
    if not common:
        return None
    columns = [earlier.labels.index(label) for label in common]
    parts = [_usable(block, columns) for block in earlier.blocks()]
    images = np.concatenate([part[0] for part in parts] or [np.empty(0, dtype="S16")])
    said = np.concatenate([part[1] for part in parts] or [np.empty((0, len(common)), dtype=np.uint16)])
    order = np.argsort(images, kind="stable")
    return Before(images[order], said[order], np.array([labels.index(label) for label in common]))


def _usable(block: Block, columns: list[int]) -> tuple[Ids, NDArray[np.uint16]]:
    if block.logits is None:
        raise TypeError("this strategy reads the logits of the version before, and they were not opened")
    usable = np.isfinite(block.logits).all(axis=1)
    return block.images[usable], _held(block.logits[usable][:, columns])


def _held(logits: NDArray[np.floating]) -> NDArray[np.uint16]:
    """Hold probabilities in whole steps."""
    steps: NDArray[np.uint16] = np.rint(scoring.sigmoid(logits) * _STEPS).astype(np.uint16)
    return steps
