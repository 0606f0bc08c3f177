"""The running system of a demonstration: `aloft up`, its administrator, its vendor."""

import os
import random
import socket
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import grpc
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub

from aloft.demo.children import POLL_S, Child, DemoFailed
from aloft.demo.interruption import Interruption
from aloft.demo.plan import Arm, Rooms
from aloft.kit.rpc.channel import channel

SERVICES = ("label-store", "embedding", "acquisition", "trainer")
OFFSETS = (0, 1, 2, 3, 4, 10, 20)
"""What `aloft up` takes beside its first port."""
READY_S, COMMAND_S, CALL_S = 90.0, 60.0, 10.0


def free_base(tries: int = 200) -> int:
    """Find a port with which `aloft up` can start, below those that the kernel gives to clients."""
    for _ in range(tries):
        base = random.randrange(20_000, 32_000)
        if all(_free(base + offset) for offset in OFFSETS):
            return base
    raise DemoFailed("no free ports between 20000 and 32000 on 127.0.0.1")


def _free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


class Stage:
    """Starts what is needed, opens channels to it, and ends all of it with the block."""

    def __init__(self, rooms: Rooms, interruption: Interruption) -> None:
        self._rooms = rooms
        self._interruption = interruption
        self._base = free_base()
        self._channels = ExitStack()
        self._children: list[Child] = []

    def __enter__(self) -> Self:
        self._rooms.home.mkdir(parents=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._channels.close()
        for child in reversed(self._children):
            # What nobody keeps needs no orderly end, and a person waits for this one.
            child.stop() if self._rooms.kept else child.kill()

    def target(self, service: str) -> str:
        """Say where a service listens."""
        return f"127.0.0.1:{self._base + SERVICES.index(service)}"

    def channel(self, service: str, key: str = "") -> grpc.Channel:
        """Open a channel that ends with the stage."""
        return self._channels.enter_context(channel(self.target(service), key=key, deadline_s=CALL_S))

    def start_services(self) -> None:
        """Begin to start all four services."""
        home, base = str(self._rooms.home), str(self._base)
        self._start("aloft up", "aloft.cli.main", "up", "--data-dir", home, "--port", base)

    def wait_until_ready(self) -> None:
        """Wait until each service says that it is."""
        until = time.monotonic() + READY_S
        for service in SERVICES:
            with grpc.insecure_channel(self.target(service)) as opened:
                stub: Any = HealthStub(opened)
                while not _ready(stub):
                    self.check()
                    if time.monotonic() > until:
                        raise DemoFailed(f"{service} was not ready within {READY_S:.0f} s")
                    time.sleep(POLL_S)

    def bootstrap(self) -> str:
        """Make the administrator's key."""
        child = self._start(
            "aloft admin", "aloft.cli.main", "admin", "bootstrap", "--data-dir", str(self._rooms.home)
        )
        key = child.result(self._interruption, COMMAND_S).strip().splitlines()[-1]
        self._children.remove(child)
        child.log.unlink()
        _write_secret(self._rooms.admin_key, key)
        return key

    def start_vendors(self, key: str, arms: Sequence[Arm]) -> None:
        """Let the simulated vendor label each arm. It knows where the API is, its key, and its own truth."""
        _write_secret(self._rooms.vendor_key, key)
        for arm in arms:
            told = {"target": self.target(SERVICES[0]), "campaign": arm.campaign, "max-tasks": "20"}
            told["idle-s"] = "1"
            files = {"key-file": self._rooms.vendor_key, "truth": self._rooms.truth}
            given = {**told, **files}.items()
            options = [part for name, value in given for part in (f"--{name}", str(value))]
            self._start(f"vendor of {arm.campaign}", "aloft.demo.vendor", *options)

    def check(self) -> None:
        """Raise if a process has ended by itself, or if the demonstration was asked to end."""
        self._interruption.check()
        for child in self._children:
            child.check()

    def peak_mb(self) -> float:
        """Add up the most memory that each process has held, this one's too."""
        pids = [os.getpid(), *(child.process.pid for child in self._children)]
        return sum(_peak_mb(pid) for pid in pids)

    def tails(self) -> str:
        """Give the end of every log that says anything."""
        said = ((child.name, child.tail()) for child in self._children)
        return "\n".join(f"--- {name}\n{tail}" for name, tail in said if tail)

    def _start(self, name: str, *command: str) -> Child:
        child = Child(name, self._rooms.log(name.replace(" ", "-")), self._rooms.env, command)
        self._children.append(child)
        return child


def _ready(stub: Any) -> bool:
    try:
        answer = stub.Check(health_pb2.HealthCheckRequest(service="readiness"), timeout=1)
    except grpc.RpcError:
        return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def _peak_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0  # it has ended


def _write_secret(path: "os.PathLike[str]", secret: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secret + "\n")
