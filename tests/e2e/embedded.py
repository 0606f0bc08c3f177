"""The system of a laptop: `aloft up`, one process on a folder."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aloft.cli.connection import PORTS
from aloft.kit.bus.embedded import EmbeddedBus
from aloft.kit.database import Database
from aloft.kit.objects.directory import DirectoryObjects
from tests.e2e.program import ALOFT, Program
from tests.e2e.system import SERVICES, System, schema_of
from tests.stack.server import free_port

METRICS_OFFSET, IMAGES_OFFSET = 10, 20
"""How far above the first port `aloft up` serves metrics, and images."""


@contextmanager
def embedded(folder: Path) -> Iterator[System]:
    """Wire a system in one process; it is not started yet."""
    logs, data = folder / "logs", folder / "data"
    logs.mkdir(parents=True)
    first, env = _free_block(), {"ALOFT_RPC__DRAIN_DELAY_S": "0"}
    place = ["--data-dir", str(data)]
    command = [*ALOFT, "up", *place, "--port", str(first)]
    databases = {
        name: Database(f"sqlite:///{data / name}.db", schema=name) for name in map(schema_of, SERVICES)
    }
    system = System(
        folder=logs,
        programs={"aloft": Program("aloft", command, env, logs / "aloft.log")},
        targets={name: f"127.0.0.1:{first + offset}" for offset, name in enumerate(PORTS)},
        metrics_ports=[first + METRICS_OFFSET],
        admin_env={},
        bootstrap_options=place,
        databases=databases,
        open_bus=lambda: EmbeddedBus(data / "bus.db"),
        objects=DirectoryObjects(data / "objects"),
        pool=DirectoryObjects(data / "pool"),
    )
    try:
        yield system
    finally:
        system.close()


def _free_block() -> int:
    """Find the first of the ports that `aloft up` takes."""
    while True:
        first = free_port()
        wanted = [first + offset for offset in (1, 2, 3, METRICS_OFFSET, IMAGES_OFFSET)]
        if not any(_taken(port) for port in wanted):
            return first


def _taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
