"""A service's process: what its probes say, and how it ends when it is told to."""

import json
import logging
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue
from typing import Any, ClassVar

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from aloft.kit.database import Database, migrate
from aloft.kit.readiness import Readiness
from aloft.kit.rpc.channel import channel
from aloft.kit.rpc.server import Server, StartRefused
from aloft.kit.runner import Member, Runner
from aloft.kit.service import Background, Service
from aloft.kit.settings import RpcSettings, Settings, TelemetrySettings
from tests.integration.echo import Echo, Keys, say, servicer

PATIENCE_S = 20.0
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


def eventually(happens: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    pause = threading.Event()
    while not happens():
        assert time.monotonic() < deadline, f"{what}: not within {PATIENCE_S:.0f} s"
        pause.wait(0.02)


def health(port: int, name: str) -> int:
    with grpc.insecure_channel(f"127.0.0.1:{port}") as bare:
        stub: Any = health_pb2_grpc.HealthStub(bare)
        return int(stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=5).status)


class OwnSettings(Settings):
    service: ClassVar[str] = "acquisition"
    rpc: RpcSettings = RpcSettings(drain_delay_s=0)
    telemetry: TelemetrySettings = TelemetrySettings(metrics_port=0)


class Mortal:
    """A step that ends its thread when it is told to."""

    name = "mortal"

    def __init__(self) -> None:
        self.die = threading.Event()
        self.steps = 0

    def step(self) -> bool:
        self.steps += 1
        if self.die.is_set():
            raise SystemExit
        return False


@pytest.fixture
def _quiet() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(f"sqlite:///{tmp_path}/echo.db", schema="acquisition")
    yield opened
    opened.close()


def member(name: str, database: Database, mortal: Mortal | None = None, port: int = 0) -> Member:
    backgrounds = [Background(mortal)] if mortal else []
    service = Service(name, database, [servicer(Echo())], backgrounds)
    settings = OwnSettings()
    settings.rpc = settings.rpc.model_copy(update={"port": port})
    return Member(service, settings, Keys())


@pytest.mark.usefixtures("_quiet")
@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnhandledThreadExceptionWarning"
)  # the loop dies on purpose
def test_it_is_ready_once_its_database_is_migrated_and_while_its_loops_live(database: Database) -> None:
    mortal = Mortal()
    runner = Runner([member("echo", database, mortal)])
    runner.start()
    port = runner.ports["echo"]
    assert health(port, "readiness") == NOT_SERVING, "it is ready without its tables"
    assert (health(port, ""), health(port, "liveness")) == (SERVING, SERVING), "liveness asks a dependency"
    migrate(database, "aloft.acquisition")
    eventually(lambda: health(port, "readiness") == SERVING, "it is ready after the migration")
    mortal.die.set()
    eventually(lambda: health(port, "readiness") == NOT_SERVING, "it is not ready after a loop died")
    assert health(port, "liveness") == SERVING, "liveness asks the loops"
    runner.stop()


def test_a_database_that_is_away_is_told_as_that(database: Database) -> None:
    away = Database("postgresql+psycopg://me:secret@127.0.0.1:1/none", schema="acquisition")
    readiness = Readiness(Service("echo", away, [], []), "aloft.acquisition", [])
    problem = readiness.problem()
    readiness.close()
    away.close()
    assert problem.startswith("the database does not answer"), problem


@pytest.mark.usefixtures("_quiet")
def test_several_services_run_in_one_process_and_share_one_metrics_page(database: Database) -> None:
    migrate(database, "aloft.acquisition")
    runner = Runner([member("one", database, Mortal()), member("two", database, Mortal())])
    runner.start()
    for name in ("one", "two"):
        eventually(lambda at=runner.ports[name]: health(at, "readiness") == SERVING, f"{name} is ready")  # type: ignore[misc]
        with channel(f"127.0.0.1:{runner.ports[name]}", key="acme") as opened:
            assert say(opened, "echo", name) == name
    url = f"http://127.0.0.1:{runner.metrics_port}/metrics"
    with urllib.request.urlopen(url, timeout=5) as answer:
        page = answer.read().decode()
    for name in ("one", "two"):
        assert f'aloft_ready{{service="{name}"}} 1.0' in page, f"{name} is not on the page"
        assert f'aloft_loop_failures_total{{loop="mortal",service="{name}"}} 0.0' in page
    runner.stop()


@pytest.mark.usefixtures("_quiet")
def test_a_start_that_fails_gives_back_what_it_had(database: Database) -> None:
    migrate(database, "aloft.acquisition")
    other = Server([servicer(Echo())], Keys())
    taken, mortal = other.start(), Mortal()
    runner = Runner([member("first", database, mortal), member("second", database, port=taken)])
    with pytest.raises(StartRefused, match=f"127.0.0.1:{taken}"):
        runner.start()
    steps = mortal.steps
    eventually(lambda: not any(thread.name == "mortal" for thread in threading.enumerate()), "its loop ended")
    assert mortal.steps <= steps + 1, "its loop went on"
    with pytest.raises(grpc.RpcError):
        health(runner.ports["first"], "")
    other.stop(0)


class Process:
    """The process under test, and what it says."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-m", "tests.integration.runner_process", str(folder)]
        self.running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.said: list[str] = []
        self.log: list[dict[str, Any]] = []
        self._port: Queue[int] = Queue()
        self._readers = [threading.Thread(target=read) for read in (self._read_words, self._read_log)]
        for reader in self._readers:
            reader.start()

    def _read_words(self) -> None:
        assert self.running.stdout is not None
        for line in self.running.stdout:
            self.said.append(line.strip())

    def _read_log(self) -> None:
        assert self.running.stderr is not None
        for line in self.running.stderr:
            try:
                self.log.append(json.loads(line))
            except ValueError:
                self.log.append({"message": line})
            if "listens on" in self.log[-1]["message"]:
                self._port.put(int(self.log[-1]["message"].rsplit(":", 1)[1]))

    def port(self) -> int:
        """Wait until it listens, and say where."""
        return self._port.get(timeout=PATIENCE_S)

    def end(self) -> int:
        """Wait for the end, and say the exit code."""
        code = self.running.wait(PATIENCE_S)
        for reader in self._readers:
            reader.join(PATIENCE_S)
        for pipe in (self.running.stdout, self.running.stderr):
            assert pipe is not None
            pipe.close()
        return code


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    started = Process(tmp_path)
    yield started
    if started.running.poll() is None:
        started.running.kill()
        started.end()


def test_sigterm_ends_a_process_in_order_and_cuts_nothing_off(process: Process, tmp_path: Path) -> None:
    port = process.port()
    eventually(lambda: health(port, "readiness") == SERVING, "it is ready")
    with channel(f"127.0.0.1:{port}", key="acme") as opened, ThreadPoolExecutor(1) as pool:
        answer = pool.submit(say, opened, "wait", "patient")
        eventually(lambda: "call begun" in process.said, "the call begins")
        process.running.send_signal(signal.SIGTERM)
        eventually(lambda: health(port, "readiness") == NOT_SERVING, "it is not ready any more")
        assert health(port, "liveness") == SERVING, "a process that drains looks dead"
        assert say(opened, "echo", "late") == "late", "it does not serve while routers turn away"
        (tmp_path / "told").touch()
        assert answer.result(PATIENCE_S) == "patient", "the call in flight was cut off"
    assert process.end() == 0, process.log
    expected = ["call begun", "call answered", "loop closed", "service closed", "ended"]
    assert process.said == expected, f"it did other things or in another order: {process.said}"
    assert all("service" in line for line in process.log), f"a log line is not ours: {process.log}"


def test_two_signals_end_a_process_at_once(process: Process) -> None:
    port = process.port()
    with channel(f"127.0.0.1:{port}", key="acme") as opened, ThreadPoolExecutor(1) as pool:
        answer = pool.submit(say, opened, "wait", "in vain", timeout=5)
        eventually(lambda: "call begun" in process.said, "the call begins")
        process.running.send_signal(signal.SIGTERM)
        stopping = "stopping: not ready any more"
        eventually(lambda: any(line["message"] == stopping for line in process.log), "it begins to stop")
        process.running.send_signal(signal.SIGTERM)
        assert process.end() == -signal.SIGTERM, "the second signal was not enough"
        assert answer.exception(PATIENCE_S) is not None, "the call was answered by a process that is gone"
