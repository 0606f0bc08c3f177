"""Scores that take weights to compute: embedding writes them beside the logits, a number an image."""

import numpy as np

from aloft.strategies.pool import Block
from aloft.strategies.scoring import Scores


def score(block: Block, name: str) -> Scores:
    """Read a column as it was written."""
    if name not in block.columns:
        raise TypeError(f"this strategy reads the column {name!r}, and the pool was opened without it")
    return np.asarray(block.columns[name], dtype=np.float64)
