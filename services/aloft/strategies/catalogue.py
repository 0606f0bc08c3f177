"""Every name that an expression may have: those that Aloft brings and those of installed packages."""

from collections.abc import Iterator

from aloft.strategies import plugins
from aloft.strategies.builtin import ENTRIES
from aloft.strategies.entry import Entry, Kind


def entries() -> tuple[Entry, ...]:
    """List them by kind and name. What an installed package brings and cannot be used is not among them."""
    return tuple(sorted((*ENTRIES, *plugins.sound(_taken())), key=lambda one: (one.kind, one.name)))


def find(name: str, *kinds: Kind) -> Entry | None:
    """Find a name of one of these kinds; `plugins.Unusable` where a package brings it and it is broken."""
    known = [one for one in ENTRIES if one.name == name]
    if not known and (brought := plugins.find(name)):
        known = [brought]
    return next((one for one in known if one.kind in kinds), None)


def names(*kinds: Kind) -> tuple[str, ...]:
    """Name what there is of these kinds."""
    return tuple(dict.fromkeys(one.name for one in entries() if one.kind in kinds))


def clashes(used: tuple[str, ...]) -> Iterator[str]:
    """Say of each of these names what else an installed package means by it."""
    for name in sorted(_taken().intersection(used)):
        for package in plugins.bringing(name):
            yield f"{name!r} is Aloft's own, and the installed package {package} brings another"


def _taken() -> frozenset[str]:
    return frozenset(one.name for one in ENTRIES)
