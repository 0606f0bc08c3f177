"""Lends the servers to one run, and has them back as they were."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from aloft.demo.plan import Rooms
from aloft.demo.real.naming import new_name, removal
from aloft.demo.real.servers import Parts
from aloft.demo.real.services import Processes
from aloft.demo.system import System


@dataclass(frozen=True, slots=True)
class Lender:
    """Servers that were looked at, and what was found."""

    parts: Callable[[str], Parts]
    """Says what the run of a name has on them."""
    ran_on: Mapping[str, str]
    """What each server is, by its name."""
    trust: Mapping[str, str] = field(default_factory=dict)
    """What a client is told in its environment, so that it trusts them as services do."""

    @contextmanager
    def lent(self, rooms: Rooms, pause: Callable[[], None], say: Callable[[str], None]) -> Iterator[System]:
        """Make what a run needs on each server, and remove it when its processes have ended."""
        name = new_name()
        parts = self.parts(name)
        say(f"What it makes on the servers is called {name}.")
        try:
            parts.make()
            yield Processes(rooms, parts, f"{name}-", self.ran_on, pause)
        finally:
            if rooms.kept:
                say(f"It stays on the servers. To remove it: {removal(name)}")
            else:
                give_back(parts, name, say)


def give_back(parts: Parts, name: str, say: Callable[[str], None]) -> bool:
    """Remove what a run has on the servers; what stays is said, and how to remove it, and is False."""
    stays = parts.remove()
    for sentence in stays:
        say(sentence)
    if stays:
        say(f"So something called {name} stays there. To remove it: {removal(name)}")
    return not stays
