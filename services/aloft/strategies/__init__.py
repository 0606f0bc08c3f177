"""Which images to label next: each strategy a pure function of arrays and a seed, registered by name.

Acquisition calls them on a campaign's pool, as a stream of blocks that no strategy holds whole. A strategy
ranks every unlabelled image and selects a batch from what may be sent out, with a score, a cluster and a
sentence for each pick. What it says does not depend on the order of the blocks or on where they are cut:
whatever is drawn is drawn by image id.

This module stays light: importing it loads neither NumPy nor faiss, so that a campaign's strategy can be
checked anywhere.
"""

from aloft.strategies.catalogue import DEFAULT, Standing, check, in_force, load, names

__all__ = ["DEFAULT", "Standing", "check", "in_force", "load", "names"]
