"""The system of a laptop: `aloft up`, one process on a folder."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from aloft.demo.free_ports import free_base
from aloft.demo.plan import Rooms
from aloft.demo.system import SERVICES, Process
from aloft.serving.port import Serving

OFFSETS = (0, 1, 2, 3, 4, 10, 20)
"""What `aloft up` takes beside its first port."""


class Embedded:
    """All services in one process, which reads the images where they are drawn."""

    def __init__(self, rooms: Rooms) -> None:
        self._home = str(rooms.home)
        self._base = free_base(OFFSETS)
        # Nobody misses what is not kept, and a person waits for the end.
        self.orderly = rooms.kept
        self.prefix = ""
        self.targets: Mapping[str, str] = {
            service: f"127.0.0.1:{self._base + offset}" for offset, service in enumerate(SERVICES)
        }
        self.ran_on: Mapping[str, str] = {}
        self.serving: Serving | None = None

    def processes(self) -> Sequence[Process]:
        """Say what is to be started."""
        place = ("--data-dir", self._home, "--port", str(self._base))
        return [Process("aloft up", ("aloft.cli.main", "up", *place))]

    def bootstrap(self) -> Process:
        """Say what prints the first administrator's key."""
        return Process("aloft admin", ("aloft.cli.main", "admin", "bootstrap", "--data-dir", self._home))

    def take_in(self, pool: Path) -> None:
        """Leave the images where they are."""
