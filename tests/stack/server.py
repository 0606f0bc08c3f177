"""What all servers have in common: a process on fixed ports that can be started, broken and brought back."""

import os
import random
import select
import signal
import socket
import subprocess
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

# The kernel ends a child with the *thread* that started it, so servers are started by one thread that lives
# as long as this process does; pytest's worker threads come and go.
_launcher = ThreadPoolExecutor(max_workers=1, thread_name_prefix="stack-launcher")

_taken: set[int] = set()
_taking = threading.Lock()


def free_port() -> int:
    """Pick a loopback port that nothing uses, below the range from which outgoing connections take theirs.

    A server that is killed must find its port free again, and no client may have been given it meanwhile.
    """
    with _taking:
        while True:
            port = random.SystemRandom().randrange(18_000, 32_000)
            with socket.socket() as probe:
                if port not in _taken and probe.connect_ex(("127.0.0.1", port)) != 0:
                    _taken.add(port)
                    return port


def children(pid: int) -> list[int]:
    """List the child processes of a process, whichever of its threads started them."""
    found = []
    for thread in Path(f"/proc/{pid}/task").glob("*"):
        try:
            found += [int(word) for word in (thread / "children").read_text().split()]
        except (FileNotFoundError, ProcessLookupError):
            continue  # the thread has ended
    return found


def alive(pid: int) -> bool:
    """Tell whether a process runs; one that ended and waits to be collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_for_end(pids: Sequence[int], *, limit_s: float) -> list[int]:
    """Wait until the processes have ended, and name those that have not when the time is up."""
    deadline = time.monotonic() + limit_s
    for pid in pids:
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        select.select([handle], [], [], max(0.0, deadline - time.monotonic()))
        os.close(handle)
    return [pid for pid in pids if alive(pid)]


class DidNotStart(RuntimeError):
    """A server ended, or did not answer in time; carries the end of its log."""


class Server(ABC):
    """A server process. A subclass says what it runs and how one knows that it answers."""

    name = "server"
    start_limit_s = 60.0
    stop_limit_s = 30.0
    signal_when_orphaned = "KILL"

    def __init__(self, folder: Path, *, outlives_session: bool = False) -> None:
        self.folder = folder / self.name
        self.folder.mkdir(parents=True)
        self.log = self.folder / "log.txt"
        self._outlives_session = outlives_session
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def prepare(self) -> None:
        """Make the data folder, once."""

    @abstractmethod
    def command(self) -> list[str]:
        """Say what to run."""

    @abstractmethod
    def answers(self) -> bool:
        """Ask once, briefly, whether it serves."""

    def environment(self) -> dict[str, str]:
        """Say what the process gets beside this one's environment."""
        return {}

    def privileges(self) -> Sequence[str]:
        """Say as whom it runs, in `setpriv` options."""
        return []

    @property
    def pid(self) -> int:
        """The running process."""
        if self._process is None:
            raise RuntimeError(f"{self.name} is not running")
        return self._process.pid

    def start(self) -> None:
        """Start it and wait until it answers."""
        if not (self.folder / "prepared").exists():
            self.prepare()
            (self.folder / "prepared").touch()
        launched: Future[subprocess.Popen[bytes]] = _launcher.submit(self._spawn)
        self._process = launched.result()
        self._wait_for_answer(self._process)

    def _wait_for_answer(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + self.start_limit_s
        while not self.answers():
            try:
                code = process.wait(timeout=0.05)
            except subprocess.TimeoutExpired:
                if time.monotonic() < deadline:
                    continue
                self.kill()
                raise DidNotStart(self._obituary(f"did not answer in {self.start_limit_s:.0f} s")) from None
            self._process = None
            raise DidNotStart(self._obituary(f"ended with {code}"))

    def stop(self) -> None:
        """Ask it to end, wait, and insist if it does not."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(self.stop_limit_s)
            self._process = None
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it at once, as a crash or `kill -9` would, and wait until all of it is gone."""
        if self._process is None:
            return
        family = children(self._process.pid)
        self._signal_all(signal.SIGKILL)
        self._process.wait()
        self._process = None
        wait_for_end(family, limit_s=self.stop_limit_s)

    def restart(self) -> None:
        """Stop it and start it again on the same ports and data."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Freeze it: connections stay open and nothing answers."""
        self._signal_all(signal.SIGSTOP)
        os.waitid(os.P_PID, self.pid, os.WSTOPPED)  # the last of its threads may run a moment longer

    def resume(self) -> None:
        """Let a frozen server go on, and wait until it answers."""
        self._signal_all(signal.SIGCONT)
        if self._process is not None:
            self._wait_for_answer(self._process)

    def _signal_all(self, number: signal.Signals) -> None:
        for pid in (self.pid, *children(self.pid)):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue  # a child that ended by itself in between

    def _spawn(self) -> subprocess.Popen[bytes]:
        before: list[str] = [*self.privileges()]
        if not self._outlives_session:
            before += [f"--pdeathsig={self.signal_when_orphaned}"]
        command = ["setpriv", *before, *self.command()] if before else self.command()
        with self.log.open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=self.folder,
                env={**os.environ, **self.environment()},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # an interrupt at the terminal is for pytest, which ends its servers
            )

    def _obituary(self, what: str) -> str:
        tail = self.log.read_text(errors="replace")[-3000:]
        return f"{self.name} {what}; the end of its log:\n{tail}"


def accepts(port: int, request: bytes = b"") -> bytes:
    """Send a request to a loopback port and return the first bytes of the answer, none if there is none."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(request)
            return connection.recv(64)
    except OSError:
        return b""
