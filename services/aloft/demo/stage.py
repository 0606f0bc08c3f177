"""The running system of a demonstration: its services, its administrator, its vendor."""

import os
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import grpc
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub

from aloft.demo.children import POLL_S, STOP_S, Child, DemoFailed
from aloft.demo.interruption import Interruption
from aloft.demo.plan import Arm, Rooms
from aloft.demo.system import SERVICES, Process, System
from aloft.kit.rpc.channel import channel

READY_S, COMMAND_S, CALL_S = 90.0, 60.0, 10.0


class Stage:
    """Starts what is needed, opens channels to it, and ends all of it with the block."""

    def __init__(self, rooms: Rooms, system: System, interruption: Interruption) -> None:
        self._rooms = rooms
        self._interruption = interruption
        self._channels = ExitStack()
        self._children: list[Child] = []
        self.system = system

    def __enter__(self) -> Self:
        self._rooms.home.mkdir(parents=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._channels.close()
        last_first = self._children[::-1]
        if self.system.orderly:
            for child in last_first:
                child.ask_to_end()
        until = time.monotonic() + (STOP_S if self.system.orderly else 0)
        for child in last_first:
            child.end(max(0.0, until - time.monotonic()))

    def channel(self, service: str, key: str = "") -> grpc.Channel:
        """Open a channel that ends with the stage."""
        target = self.system.targets[service]
        return self._channels.enter_context(channel(target, key=key, deadline_s=CALL_S))

    def start_services(self) -> None:
        """Begin to start all services."""
        for process in self.system.processes():
            self._start(process)

    def wait_until_ready(self) -> None:
        """Wait until each service says that it is."""
        until = time.monotonic() + READY_S
        for service in SERVICES:
            with grpc.insecure_channel(self.system.targets[service]) as opened:
                stub: Any = HealthStub(opened)
                while not _ready(stub):
                    self.check()
                    if time.monotonic() > until:
                        raise DemoFailed(f"{service} was not ready within {READY_S:.0f} s")
                    time.sleep(POLL_S)

    def bootstrap(self) -> str:
        """Make the administrator's key."""
        child = self._start(self.system.bootstrap())
        key = child.result(self._interruption, COMMAND_S).strip().splitlines()[-1]
        self._children.remove(child)
        child.log.unlink()
        _write_secret(self._rooms.admin_key, key)
        return key

    def start_vendors(self, key: str, arms: Sequence[Arm]) -> None:
        """Let the simulated vendor label each arm. It knows where the API is, its key, and its own truth."""
        _write_secret(self._rooms.vendor_key, key)
        for arm in arms:
            told = {"target": self.system.targets[SERVICES[0]], "campaign": arm.campaign, "max-tasks": "20"}
            told["idle-s"] = "1"
            files = {"key-file": self._rooms.vendor_key, "truth": self._rooms.truth}
            given = {**told, **files}.items()
            options = [part for name, value in given for part in (f"--{name}", str(value))]
            self._start(Process(f"vendor of {arm.campaign}", ("aloft.demo.vendor", *options)))

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

    def _start(self, process: Process) -> Child:
        log = self._rooms.log(process.name.replace(" ", "-"))
        child = Child(process.name, log, {**self._rooms.env, **process.env}, process.command)
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
