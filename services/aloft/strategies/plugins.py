"""Names that installed packages bring by the entry points of one group."""

import logging
import re
from dataclasses import replace
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec

from aloft.strategies.entry import COLUMNS, JOINED, NAME, Entry, Kind

GROUP = "aloft.strategies"

log = logging.getLogger(__name__)


class Unusable(Exception):
    """What an installed package brings under a name cannot be used: the message says why, and whose it is."""


def find(name: str) -> Entry | None:
    """Load what an installed package declares under a name, if one does."""
    points = [point for point in _points() if point.name == name]
    if len(points) > 1:
        raise Unusable(f"{name!r} is brought by {' and by '.join(map(_package, points))}: uninstall one")
    return _declared(points[0]) if points else None


def bringing(name: str) -> tuple[str, ...]:
    """Name the packages that bring a name."""
    return tuple(_package(point) for point in _points() if point.name == name)


@cache
def sound(taken: frozenset[str]) -> tuple[Entry, ...]:
    """Load all that installed packages declare, but for names that are taken. What is broken is logged."""
    found = []
    for name in sorted({point.name for point in _points()} - taken):
        try:
            found.append(find(name))
        except Unusable as broken:
            log.warning("left out of the strategies: %s", broken)
    return tuple(entry for entry in found if entry is not None)


@cache
def _points() -> tuple[EntryPoint, ...]:
    return tuple(sorted(entry_points(group=GROUP), key=lambda point: (point.name, _package(point))))


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist else point.value


def _declared(point: EntryPoint) -> Entry:
    whose = f"{point.name!r} of the installed package {_package(point)}"
    try:
        declared: object = point.load()
        if not isinstance(declared, Entry):
            raise Unusable(f"{whose} is a {type(declared).__name__}, and not an Entry")
        fault = _fault(declared, point.name)
    except Unusable:
        raise
    except Exception as error:
        # Whatever a stranger's code raises, it must not take the strategies of others with it.
        raise Unusable(f"{whose} cannot be loaded: {type(error).__name__}: {error}") from error
    if fault:
        raise Unusable(f"{whose} {fault}")
    return replace(declared, package=_package(point))


def _fault(declared: Entry, name: str) -> str:
    """Say what is wrong with a declaration: nothing where it can be used."""
    if declared.name != name or not re.fullmatch(NAME, name):
        return f"calls itself {declared.name!r}: the two must agree, in lower case, digits and underscores"
    if declared.kind is Kind.WRAPPER:
        return "is a wrapper, which only Aloft brings: a score, a diversity or a whole strategy can be added"
    if unknown := set(declared.wrappers) - set(JOINED):
        return f"may be wrapped by {', '.join(sorted(unknown))}: there are {', '.join(JOINED)}"
    if unknown := set(declared.needs.columns) - set(COLUMNS):
        return f"needs the columns {', '.join(sorted(unknown))}: embedding writes {', '.join(COLUMNS)}"
    module, _, attribute = declared.code.partition(":")
    if not attribute or find_spec(module) is None:
        return f"is written in {declared.code!r}, which is no module:attribute that is installed"
    return ""
