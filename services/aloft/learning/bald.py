"""What a head's passes with dropout disagree about: the mutual information of BALD, label by label.

BALD is of Houlsby, Huszár, Ghahramani & Lengyel, 2011 (arXiv:1112.5745). That passes with dropout can stand
for draws from the posterior is of Gal & Ghahramani, ICML 2016 (arXiv:1506.02142).
"""

import numpy as np
from numpy.typing import NDArray

from aloft.learning.draws import drawn
from aloft.networks.head import Head

PASSES = 10
"""Passes with dropout: the products cost little beside the network that made the features."""
RATE = 0.5
"""The share of the features that a pass drops: Gal & Ghahramani's; masks differ the most at it."""

_ROWS = 1024


def mutual_information(
    features: NDArray[np.floating], head: Head, *, passes: int = PASSES, rate: float = RATE, seed: int = 0
) -> NDArray[np.float32]:
    """Compute for each row how much the passes disagree, in [0, 1]; NaN where features are not finite.

    With p_tc the probability of label c in pass t and H the entropy of yes or no,

        BALD_c = H(mean_t p_tc) − mean_t H(p_tc), and the row has mean_c BALD_c / ln 2.

    Pass t multiplies features by a mask that drops each with probability `rate` and scales up the others by
    1 / (1 − rate). The seed draws one set of masks for all rows, which makes the passes a sample of whole
    networks: rows are judged by the same networks, and what a row has does not depend on those beside it.
    """
    if passes < 1 or not 0 <= rate < 1:
        raise ValueError(f"{passes} passes at a rate of {rate}: at least 1 at a rate in [0, 1) are needed")
    networks = _masked(head, passes, rate, seed)
    found = np.empty(len(features), dtype=np.float32)
    for start in range(0, len(features), _ROWS):
        part = slice(start, start + _ROWS)
        found[part] = _disagreement(features[part].astype(np.float64), networks, head.bias)
    return found


def _masked(head: Head, passes: int, rate: float, seed: int) -> NDArray[np.float64]:
    """Draw the networks: passes × labels × feature size. To mask features is to mask what they meet."""
    size = head.weight.shape[1]
    kept = drawn(seed, "dropout", 0).random((passes, 1, size)) >= rate
    networks: NDArray[np.float64] = kept * head.weight.astype(np.float64) / (1 - rate)
    return networks


def _disagreement(
    features: NDArray[np.float64], networks: NDArray[np.float64], bias: NDArray[np.float32]
) -> NDArray[np.float64]:
    passes, labels, size = networks.shape
    # Features that are not finite make NaN: for whoever reads it to leave out. In double precision, because a
    # product rounds differently for blocks of different heights, and here that is below what a column holds.
    with np.errstate(invalid="ignore", over="ignore"):
        logits = (features @ networks.reshape(-1, size).T).reshape(-1, passes, labels) + bias
        chances = 0.5 * (1 + np.tanh(0.5 * logits))
        gain = _entropy(chances.mean(axis=1)) - _entropy(chances).mean(axis=1)
        scores: NDArray[np.float64] = np.maximum(gain, 0.0).mean(axis=1) / np.log(2)
    return np.where(np.isfinite(features).all(axis=1), scores, np.nan)


def _entropy(chances: NDArray[np.float64]) -> NDArray[np.float64]:
    least = np.finfo(np.float64).tiny
    return -chances * np.log(np.maximum(chances, least)) - (1 - chances) * np.log(
        np.maximum(1 - chances, least)
    )
