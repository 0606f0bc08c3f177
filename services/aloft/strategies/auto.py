"""`auto`: from coverage to uncertainty. What it means is written here and nowhere else."""

from aloft.strategies.standing import Standing

START = "kcenter"
"""Under a base version there is nothing to be uncertain about: take what is far from all else."""
EARLY = "class_balanced(margin)+kcenter"
"""While a head has learned from few images its uncertainty misleads: stay far from all labels."""
LATE = "class_balanced(margin)+herding"
"""Then uncertain images, those of rare labels first, that stand for many others."""
EARLY_BATCHES = 3
"""Batches that a head must have learned from before an image counts by how many others it stands for."""


def rule(standing: Standing) -> str:
    """Say what `auto` means for a campaign that stands so."""
    if standing.base:
        return START
    return EARLY if standing.learned < EARLY_BATCHES * standing.batch_size else LATE
