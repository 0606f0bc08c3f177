"""What an expression means under one version: a base version has no logits, and `auto` is a rule."""

from aloft.strategies import auto
from aloft.strategies.grammar import parse
from aloft.strategies.query import Call, Query
from aloft.strategies.standing import Standing

AUTO = "auto"

COLD_STARTS = {"herding": "herding", "kcenter": "kcenter", "random_balanced": "random"}
"""What stands in while a version has no head, by what spreads the batch or stands alone."""
COLD_START = "centroids"
"""The same for all else."""


def in_force(expression: str, standing: Standing) -> str:
    """Say which strategy an expression means under a version, in its canonical spelling."""
    query = parse(expression)
    if query.first.entry.name == AUTO:
        query = parse(auto.rule(standing))
    return (_cold(query) if standing.base and query.needs.head else query).canonical


def _cold(query: Query) -> Query:
    warm = query.diversity or query.first
    cold = parse(COLD_STARTS.get(warm.entry.name, COLD_START)).first
    # `…+herding(…)` starts as `herding(…)`: what is said of how to spread goes for both.
    kept = {name: value for name, value in warm.given.items() if cold.entry.parameter(name)}
    return Query(Call(cold.entry, kept if cold.entry.name == warm.entry.name else {}))
