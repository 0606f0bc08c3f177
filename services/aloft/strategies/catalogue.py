"""The strategies there are, by name. Each is loaded when it is first used."""

from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING

from aloft.kit.errors import FieldViolation, InvalidArgument

if TYPE_CHECKING:
    from aloft.strategies.strategy import Strategy

DEFAULT = "mge+kmeans"
"""What a campaign uses that names none."""

_MODULES = {
    "centroids": "aloft.strategies.centroids",
    "mge+kmeans": "aloft.strategies.mge_kmeans",
    "random": "aloft.strategies.random_draw",
}

_COLD_STARTS = {"mge+kmeans": "centroids"}
"""What stands in for a strategy that scores by logits while a version has none."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a campaign is under one version: what decides what an expression means."""

    base: bool
    """The version has no head, and so there are no logits."""
    learned: int = 0
    """Labelled images that the version learned from."""
    batch_size: int = 1


def names() -> tuple[str, ...]:
    """Name every registered strategy."""
    return tuple(sorted(_MODULES))


def check(expression: str, field: str = "campaign.strategy.expression") -> str:
    """Return the expression, or raise `InvalidArgument` that names the strategies nearest to it."""
    if expression in _MODULES:
        return expression
    near = get_close_matches(expression, names(), n=3)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    description = f"no strategy is called {expression!r}; {hint}There are: {', '.join(names())}."
    raise InvalidArgument("UNKNOWN_STRATEGY", description, (FieldViolation(field, description),))


def in_force(expression: str, standing: Standing) -> str:
    """Say which strategy an expression means under a version: a base version has no logits to score by."""
    return _COLD_STARTS.get(expression, expression) if standing.base else expression


def load(expression: str) -> "Strategy":
    """Load the strategy that an expression names."""
    strategy: Strategy = import_module(_MODULES[check(expression)]).STRATEGY
    return strategy
