"""`auto`: from coverage to uncertainty. What it means is written here and nowhere else."""

from aloft.strategies.standing import Standing

START = "herding"
"""Under a base version there is nothing to be uncertain about: cover the pool."""
EARLY = "kcenter"
"""While a head has learned from few images its uncertainty misleads: take what is far from all labels."""
LATE = "class_balanced(margin)+herding"
"""Then uncertain images, those of rare labels first, that stand for many others."""
EARLY_BATCHES = 3
"""Batches that a head must have learned from before its uncertainty is followed."""


def rule(standing: Standing) -> str:
    """Say what `auto` means for a campaign that stands so."""
    if standing.base:
        return START
    return EARLY if standing.learned < EARLY_BATCHES * standing.batch_size else LATE
