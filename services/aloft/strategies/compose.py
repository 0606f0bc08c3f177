"""Makes a strategy of an expression: a score ranks, a diversity selects."""

from functools import partial
from importlib import import_module
from typing import Any

from aloft.strategies import scoring, top
from aloft.strategies.entry import Entry, Kind
from aloft.strategies.pool import Pool
from aloft.strategies.query import Call, Query
from aloft.strategies.strategy import Ranked, Strategy
from aloft.strategies.weights import class_balanced


def compose(query: Query) -> Strategy:
    """Load what an expression names and put it together."""
    entry, values = query.first.entry, query.first.values
    if entry.kind is not Kind.ALONE:
        select = top.select if query.diversity is None else _code(query.diversity)
        return Strategy(query.canonical, query.needs, partial(_rank, query.first, query.wrapper), select)
    if not entry.code:
        raise ValueError(f"{entry.name} means another strategy under each version: ask in_force which")
    whole: Strategy = _attribute(entry)
    rank, select = partial(whole.rank, **values), partial(whole.select, **values)
    return Strategy(query.canonical, query.needs, rank, select)


def _rank(score: Call, wrapper: str, pool: Pool, size: int, seed: int) -> Ranked:
    weights = class_balanced(pool.known) if wrapper == "class_balanced" else None
    code = _code(score)
    if score.entry.per_label:
        return scoring.rank(pool, partial(scoring.joined, code, wrapper == "max", weights))
    return scoring.rank(pool, code(pool) if weights is None else code(pool, weights=weights))


def _code(call: Call) -> Any:
    return partial(_attribute(call.entry), **call.values)


def _attribute(entry: Entry) -> Any:
    module, _, attribute = entry.code.partition(":")
    return getattr(import_module(module), attribute)
