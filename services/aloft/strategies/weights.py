"""`class_balanced`: a weight for each label, the larger the fewer labelled images have it."""

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from aloft.strategies.pool import Known

Weights = NDArray[np.float64]
"""A number for each label: 1 on average."""

MOST = 10
"""No label counts for more than ten of the average: one that was never seen must not decide alone."""


def class_balanced(known: Known) -> Weights:
    """Compute w_c = min(10, κ / (n_c + 1)), with n_c the labelled positives and κ so that the mean of w is 1.

    κ is the same for all labels, so those below the cap stay in proportion to 1/(n_c + 1) and take up what
    the cap cuts off: mean and cap hold both, exactly. In fractions: equal counts give weights of exactly 1.
    """
    if len(known.positives) != len(known.labels):
        raise TypeError(f"{len(known.positives)} counts of positives for {len(known.labels)} labels")
    shares = [Fraction(1, count + 1) for count in known.positives]
    rest, left = Fraction(len(shares)), sum(shares, Fraction(0))
    scale = Fraction(1)
    for share in sorted(shares, reverse=True):
        # The largest first: a label is capped if it would still be above the cap, were it and all
        # smaller ones in proportion.
        scale = rest / left
        if scale * share <= MOST:
            break
        rest, left = rest - MOST, left - share
    return np.array([float(min(Fraction(MOST), scale * share)) for share in shares])
