"""What one curve of scores over labels comes to."""

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int64]
Scores = NDArray[np.float64]


def area(labels: Labels, scores: Scores) -> float:
    """Give the area under a curve by trapezoids, over the range of labels: its mean height.

    (1 / (l_R − l_0)) · Σ_r (l_{r+1} − l_r) (s_r + s_{r+1}) / 2; of a single point, its score.
    """
    if len(labels) == 1:
        return float(scores[0])
    return float(np.trapezoid(scores, labels) / (labels[-1] - labels[0]))


def reached(labels: Labels, scores: Scores, wanted: NDArray[np.float64]) -> NDArray[np.float64]:
    """Say with how many labels a curve first comes to each wanted score.

    What counts is the running maximum, joined by straight lines. A score that is there at the first point
    takes the labels of that point: nothing is known of fewer. One that is never reached takes all labels.
    """
    best = np.maximum.accumulate(scores)
    after = np.searchsorted(best, wanted, side="left")
    answer = np.full(len(wanted), float(labels[-1]))
    answer[after == 0] = labels[0]
    between = (after > 0) & (after < len(best))
    end = after[between]
    rise = best[end] - best[end - 1]
    share = (wanted[between] - best[end - 1]) / rise
    answer[between] = labels[end - 1] + share * (labels[end] - labels[end - 1])
    return answer
