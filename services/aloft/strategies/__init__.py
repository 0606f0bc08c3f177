"""Which images to label next: each strategy a pure function of arrays and a seed, registered by name.

Acquisition calls them on a campaign's pool, as a stream of blocks that no strategy holds whole. A strategy
ranks every unlabelled image and selects a batch from what may be sent out, with a score, a cluster and a
sentence for each pick. What it says does not depend on the order of the blocks or on where they are cut:
whatever is drawn is drawn by image id.

A campaign names its strategy by an expression (`grammar`) of names (`catalogue`). This module stays light:
importing it loads neither NumPy nor faiss, so that a campaign's strategy can be checked anywhere.
"""

from typing import TYPE_CHECKING

from aloft.kit.errors import InvalidArgument
from aloft.strategies import catalogue, grammar
from aloft.strategies.catalogue import entries
from aloft.strategies.entry import Needs
from aloft.strategies.meaning import in_force
from aloft.strategies.standing import Standing

if TYPE_CHECKING:
    from aloft.strategies.strategy import Strategy

__all__ = ["DEFAULT", "Standing", "canonical", "check", "entries", "in_force", "load", "needs"]

DEFAULT = "auto"
"""What a campaign uses that names none."""


def check(expression: str, field: str = grammar.FIELD) -> str:
    """Return the canonical spelling of what a campaign may use, or raise `InvalidArgument`: why, and where.

    A name that an installed package brings too is refused here and nowhere else: campaigns that run keep
    what it has always meant.
    """
    query = grammar.parse(expression, field)
    for clash in catalogue.clashes(query.names):
        raise InvalidArgument.of(field, f"{clash}: uninstall that package or rename it", "UNUSABLE_STRATEGY")
    return query.canonical


def canonical(expression: str, field: str = grammar.FIELD) -> str:
    """Spell an expression the one way that all spellings of it have."""
    return grammar.parse(expression, field).canonical


def needs(expression: str) -> Needs:
    """Say what of the pool an expression reads; of `auto`, all that it may come to read."""
    return grammar.parse(expression).needs


def load(expression: str) -> "Strategy":
    """Load the strategy that an expression means. `auto` is none until `in_force` has said which."""
    from aloft.strategies.compose import compose  # only here: it loads NumPy

    return compose(grammar.parse(expression))
