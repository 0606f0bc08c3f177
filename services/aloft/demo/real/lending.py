"""Lends the servers to one run, and has them back as they were."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from aloft.demo.plan import Rooms
from aloft.demo.real.servers import Parts, Servers, new_name
from aloft.demo.real.services import Processes
from aloft.demo.system import System


@dataclass(frozen=True, slots=True)
class Lender:
    """Servers that were looked at, and what was found."""

    servers: Servers
    ran_on: Mapping[str, str]
    """What each server is, by its name."""

    @property
    def trust(self) -> Mapping[str, str]:
        """What a vendor is told in its environment, so that it trusts the store as the services do."""
        authorities = self.servers.objects.ca_file
        return {"SSL_CERT_FILE": str(authorities.resolve())} if authorities else {}

    @contextmanager
    def lent(self, rooms: Rooms, pause: Callable[[], None], say: Callable[[str], None]) -> Iterator[System]:
        """Make what a run needs on each server, and remove it when its processes have ended."""
        name = new_name()
        parts = self.servers.parts(name)
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


def removal(name: str) -> str:
    """Say the command that removes what a run has left."""
    return f"aloft demo --real --remove {name}"
