"""Reads expressions such as `class_balanced(margin)+kmeans(h=8)`.

query      = ALONE [parameters] | score [ "+" DIVERSITY [parameters] ]
score      = SCORE [parameters] | WRAPPER "(" SCORE [parameters] ")"
parameters = "(" NAME "=" NUMBER { "," NAME "=" NUMBER } ")"
"""

from difflib import get_close_matches
from typing import NoReturn

from aloft.strategies import catalogue
from aloft.strategies.entry import Entry, Kind, Number, Parameter
from aloft.strategies.plugins import Unusable
from aloft.strategies.query import Call, Query
from aloft.strategies.words import Word, Words

FIELD = "campaign.strategy.expression"


def parse(expression: str, field: str = FIELD) -> Query:
    """Understand an expression, or raise `InvalidArgument` that says what is wrong with it, and where."""
    words = Words(expression, field)
    name = words.name("a strategy or a score")
    if entry := _find(words, name, Kind.ALONE):
        query = Query(_call(words, entry))
    else:
        first, wrapper = _score(words, name)
        query = Query(first, wrapper, _diversity(words) if words.skip("+") else None)
    _end(words, query)
    return query


def _end(words: Words, query: Query) -> None:
    if words.here.text == "+" and query.diversity is None:
        words.refuse(f"{query.first.entry.name} stands alone: nothing goes after it")
    if words.here.text == "+":
        words.refuse(f"a score takes one diversity, and {query.canonical} has it")
    if words.here.text == ")":
        words.refuse("a ) that no ( opened")
    if words.here.text:
        words.refuse(f"{words.here.text!r} where the expression should end or go on with +")


def _score(words: Words, name: Word) -> tuple[Call, str]:
    if wrapper := _find(words, name, Kind.WRAPPER):
        return _wrapped(words, wrapper.name), wrapper.name
    entry = _find(words, name, Kind.SCORE)
    if entry is None:
        _unknown(words, name, "strategy or score", Kind.ALONE, Kind.SCORE, Kind.WRAPPER)
    return _call(words, entry), entry.wrapper


def _wrapped(words: Words, wrapper: str) -> Call:
    takes = [one.name for one in catalogue.entries() if wrapper in one.wrappers]
    opened = words.here
    if not words.skip("("):
        words.refuse(f"{wrapper} goes around a score, as in {wrapper}({takes[0]})")
    if words.here.text == ")":
        words.refuse(f"{wrapper}() has nothing in it: it goes around {', '.join(takes)}")
    name = words.name("a score")
    if _find(words, name, Kind.WRAPPER):
        words.refuse(f"{name.text}() is inside {wrapper}(): the labels of a score are joined once", name)
    entry = _find(words, name, Kind.SCORE)
    if entry is None:
        _unknown(words, name, "score", Kind.SCORE)
    if wrapper not in entry.wrappers:
        words.refuse(f"{wrapper}() cannot go around {entry.name}: it goes around {', '.join(takes)}", name)
    call = _call(words, entry)
    words.close(opened)
    return call


def _diversity(words: Words) -> Call:
    name = words.name("a diversity")
    entry = _find(words, name, Kind.DIVERSITY)
    if entry is None:
        _unknown(words, name, "diversity", Kind.DIVERSITY)
    return _call(words, entry)


def _call(words: Words, entry: Entry) -> Call:
    opened = words.here
    if not words.skip("("):
        return Call(entry)
    if not entry.parameters:
        words.refuse(f"{entry.name} has no parameters: leave out what is in parentheses", opened)
    given: dict[str, Number] = {}
    while True:
        name = words.here
        parameter, value = _setting(words, entry)
        if parameter.name in given:
            words.refuse(f"{entry.name} is given {parameter.name} twice", name)
        given[parameter.name] = value
        if not words.skip(","):
            break
    words.close(opened)
    return Call(entry, {one.name: given[one.name] for one in entry.parameters if one.name in given})


def _setting(words: Words, entry: Entry) -> tuple[Parameter, Number]:
    first = entry.parameters[0]
    example = f"{entry.name}({first.name}={first.default})"
    has = "; ".join(map(str, entry.parameters))
    if words.here.kind != "name":
        words.refuse(f"a parameter is written by name, as in {example}. {entry.name} has: {has}")
    name = words.take()
    parameter = entry.parameter(name.text)
    if parameter is None:
        words.refuse(f"{entry.name} has no parameter {name.text!r}. It has: {has}", name)
    if not words.skip("=") or words.here.kind != "number":
        words.refuse(f"{name.text} has no value: a parameter is written as in {example}. It is {parameter}")
    number = words.take()
    value = parameter.read(number.text)
    if value is None:
        words.refuse(f"{number.text} is out of what {entry.name} takes: {parameter}", number)
    return parameter, value


def _find(words: Words, name: Word, *kinds: Kind) -> Entry | None:
    try:
        return catalogue.find(name.text, *kinds)
    except Unusable as broken:
        words.refuse(str(broken), name, "UNUSABLE_STRATEGY")


def _unknown(words: Words, name: Word, wanted: str, *kinds: Kind) -> NoReturn:
    if entry := _find(words, name, *Kind):
        words.refuse(_misplaced(entry, wanted), name)
    there = catalogue.names(*kinds)
    near = get_close_matches(name.text.lower(), there, n=3, cutoff=0.7)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    there_are = ", ".join(there)
    words.refuse(
        f"no {wanted} is called {name.text!r}; {hint}There are: {there_are}", name, "UNKNOWN_STRATEGY"
    )


def _misplaced(entry: Entry, wanted: str) -> str:
    if entry.kind is Kind.ALONE:
        return f"{entry.name} stands alone, and a {wanted} is wanted here"
    if entry.kind is Kind.DIVERSITY:
        return f"{entry.name} spreads what a score ranks: it goes after one, as in entropy+{entry.name}"
    return f"{entry.name} goes before the +, and a {wanted} is wanted here"
