"""`auto`: from coverage to uncertainty. What it means is written here and nowhere else."""

from aloft.strategies.standing import Standing

START = "kcenter"
"""Under a base version there is nothing to be uncertain about: take what is far from all else."""
UNCERTAIN = "class_balanced(margin)"
EARLY_BATCHES = 3
"""Batches that a head must have learned from before it says what an image stands for as well."""
SMALL = 50
"""Batches that a small pool holds at most: there, what stands for many images is worth a label."""
PART = 12
"""Candidates are more than one image in so many, if the most and the fewest for each of the batch allow."""
FEWEST, MOST = 4, 64


def rule(standing: Standing) -> str:
    """Say what `auto` means for a campaign that stands so.

    First what is far; then, of what is uncertain, what is far from all labels; and in a small pool, once the
    head has learned from some batches, what stands for the most that is uncertain.
    """
    if standing.base:
        return START
    early = standing.learned < EARLY_BATCHES * standing.batch_size
    if early or standing.images > SMALL * standing.batch_size:
        return f"{UNCERTAIN}+kcenter(h={_candidates(standing)})"
    return f"{UNCERTAIN}+herding"


def _candidates(standing: Standing) -> int:
    # By doubling, so that a few new images do not change what is asked for.
    each = FEWEST
    while each < MOST and PART * each * standing.batch_size <= standing.images:
        each *= 2
    return each
