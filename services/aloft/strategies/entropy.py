"""`entropy`: how undecided the network is of each label, in bits (Shannon, 1948)."""

import numpy as np
from numpy.typing import NDArray


def per_label(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute u_c = H(p_c) / ln 2, with H(p) = −p ln p − (1 − p) ln(1 − p) and p = σ(logit).

    Each label is a question of its own (Lewis & Gale, SIGIR 1994, sampled by one such; Settles, 2009, by its
    entropy). There is no softmax: an image may have many labels.
    """
    size = np.abs(logits)
    least = np.exp(-size)
    # With q = σ(−|logit|) the smaller of p and 1 − p, H = ln(1 + e^−|logit|) + q |logit|: nothing cancels.
    scores: NDArray[np.float64] = (np.log1p(least) + least / (1 + least) * size) / np.log(2)
    return scores
