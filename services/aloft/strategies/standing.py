"""How far a campaign is under one version."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Standing:
    """What decides what an expression means."""

    base: bool
    """The version has no head, and so there are no logits."""
    learned: int = 0
    """Labelled images that the version learned from."""
    batch_size: int = 1
    images: int = 0
    """Images of the pool that the version has seen, labelled ones among them."""
