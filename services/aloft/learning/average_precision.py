"""Average precision, exactly: the mean precision at each positive, images of one score taken together.

AP = Σ_k (R_k − R_{k−1}) P_k over the distinct scores from the highest down, without interpolation. An image
can count several times, which is what drawing images anew comes to.
"""

import numpy as np
from numpy.typing import NDArray


def average_precision(scores: NDArray[np.floating], positive: NDArray[np.bool_]) -> float | None:
    """Give the average precision of one label; none where its images are all positive or all negative."""
    if positive.all() or not positive.any():
        return None
    return float(weighted_average_precisions(scores, positive, np.ones((1, len(scores))))[0])


def weighted_average_precisions(
    scores: NDArray[np.floating], positive: NDArray[np.bool_], counts: NDArray[np.number]
) -> NDArray[np.float64]:
    """Give one average precision for each row of `counts`, which says how often each image counts.

    It is NaN where no positive counts.
    """
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    counts = counts[:, order].astype(np.float64)
    true = np.cumsum(counts * positive[order], axis=1)[:, ends]
    called = np.cumsum(counts, axis=1)[:, ends]
    precision = np.divide(true, called, out=np.zeros_like(true), where=called > 0)
    gained = np.diff(true, axis=1, prepend=0.0)
    with np.errstate(invalid="ignore"):
        answer: NDArray[np.float64] = (gained * precision).sum(axis=1) / true[:, -1]
    return answer
