"""Which images may be chosen, which judge thresholds and which judge the outcome."""

from collections.abc import Sequence
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from aloft.kit.errors import FieldViolation
from aloft.simulation.table import SPLIT, Table, at_row, refuse
from aloft.strategies.pool import Ids
from aloft.strategies.seeds import derive, uniform

POOL, VALIDATION, TEST = "pool", "validation", "test"
SPLITS = (POOL, VALIDATION, TEST)
SHARES = (0.6, 0.1, 0.3)
"""Of the pool, the validation and the test split, in each stratum."""


def given(table: Table, name: str) -> NDArray[np.str_] | None:
    """Take the split that the table states, if it has a column for it."""
    if SPLIT not in table.carried:
        return None
    column = table.carried[SPLIT]
    refuse(
        [
            FieldViolation(at_row(row), f"{SPLIT} is {value!r}: write one of {', '.join(SPLITS)}")
            for row, value in zip(table.rows, column, strict=True)
            if value not in SPLITS
        ],
        name,
    )
    absent = [each for each in SPLITS if each not in column]
    refuse([FieldViolation(SPLIT, f"no image is {each!r}: give at least one") for each in absent], name)
    return np.array(column)


def draw(images: Ids, digests: Sequence[str], strata: Sequence[str], seed: int) -> NDArray[np.str_]:
    """Draw a split by image id, each stratum in the same shares. Images of the same bytes stay together.

    `images` are in order of path; identical ones stand where the first of them does.
    """
    first = dict[str, int]()
    leader = [first.setdefault(digest, at) for at, digest in enumerate(digests)]
    chance = uniform(images, derive(seed, "split"))
    order = sorted(
        range(len(images)), key=lambda at: (strata[leader[at]], chance[leader[at]], leader[at], at)
    )
    answer = np.full(len(images), TEST, dtype=f"<U{max(map(len, SPLITS))}")
    for _, group in groupby(order, key=lambda at: strata[leader[at]]):
        members = list(group)
        ends = np.rint(np.cumsum(SHARES) * len(members)).astype(int)
        place = {at: number for number, at in enumerate(members)}
        for at in members:
            # One side for all that are identical: that of the first.
            answer[at] = SPLITS[int(np.searchsorted(ends, place[leader[at]], side="right"))]
    return answer
