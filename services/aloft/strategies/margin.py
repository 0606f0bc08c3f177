"""`margin`: how near the probability of each label is to one half."""

import numpy as np
from numpy.typing import NDArray


def per_label(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute u_c = 1 − |2 p_c − 1|, with p = σ(logit).

    The distance of both answers, p and 1 − p, from each other (Scheffer, Decomain & Wrobel, IDA 2001), asked
    of each label by itself.
    """
    least = np.exp(-np.abs(logits))
    # It is 2 σ(−|logit|), twice the smaller of p and 1 − p, which does not cancel near 1.
    scores: NDArray[np.float64] = 2 * least / (1 + least)
    return scores
