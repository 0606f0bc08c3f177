"""The four services in one process, stepped by hand, and served, so that the command line can call them."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from aloft.kit.faults import Address, Faults
from aloft.kit.rpc.call import Principal, Role
from aloft.kit.rpc.server import Server
from tests.slice.story import Story
from tests.slice.world import APPS, Stalled, World

Opened = Callable[[Path], "Served"]


class Outages(Faults):
    """Ports that are away for as long as a test wants, whoever calls them."""

    def __init__(self) -> None:
        super().__init__()
        self.away: dict[tuple[str, str], Exception] = {}

    def enter(self, service: str, port: str, method: str, key: str) -> Address:
        """Fail if the port is away for that service."""
        if (service, port) in self.away:
            raise self.away[service, port]
        return super().enter(service, port, method, key)


class Operators:
    """Takes every key for an operator's."""

    def verify(self, key: str) -> Principal | None:
        return Principal("operators/ann", Role.OPERATOR)


class Served(World):
    """A world that the command line can call."""

    def __init__(self, folder: Path, template: Path) -> None:
        self.outages = Outages()
        self.servers: dict[str, Server] = {}
        super().__init__(folder, template, self.outages)

    def serve(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Serve each service on a port of its own."""
        monkeypatch.setenv("ALOFT_KEY", "any")
        for name in APPS:
            self.servers[name] = Server(self._open[name][0].servicers, Operators())
            monkeypatch.setenv(f"ALOFT_{name.upper()}_TARGET", f"127.0.0.1:{self.servers[name].start()}")

    def stop(self, name: str) -> None:
        """Take one service away."""
        self.servers.pop(name).stop(0)

    def away(self, **ports: Exception) -> None:
        """Have ports be away from now on, named as `embedding_objects`; without any, all are back."""
        self.outages.away = {
            (name.rpartition("_")[0], name.rpartition("_")[2]): error for name, error in ports.items()
        }

    def rest(self) -> None:
        """Step until nothing moves: what one service publishes, another takes in a turn later."""
        quiet = 0
        for _ in range(500):
            quiet = 0 if self.step() else quiet + 1
            if quiet == 3:
                return
        raise Stalled(f"still busy after 500 turns; errors so far: {self.errors}")

    def turn(self, times: int = 30) -> None:
        """Step every loop so often: what is away never comes to rest."""
        for _ in range(times):
            self.step()

    def close(self) -> None:
        """Give everything back."""
        for name in list(self.servers):
            self.stop(name)
        super().close()


def begin(folder: Path, empty: Path) -> Path:
    """Bring a campaign to where its first batch is to be labelled; say where all of it lies."""
    with closing(Served(folder, empty)) as world:
        Story(world).set_up()
        world.rest()
    return folder


@contextmanager
def served(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Opened]:
    """Open worlds that begin with what a folder has."""
    worlds: list[Served] = []

    def open_world(template: Path) -> Served:
        worlds.append(Served(folder / f"world-{len(worlds)}", template))
        worlds[-1].serve(monkeypatch)
        return worlds[-1]

    try:
        yield open_world
    finally:
        for world in worlds:
            world.close()
