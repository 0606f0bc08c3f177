"""A program under test: a process that dies with this one, its log, and ways to wait for it."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ALOFT = (sys.executable, "-m", "aloft.cli.main")
# The kernel ends a child with the thread that started it; tests run, and start programs, in the main thread.
_DIES_WITH_THIS = ("setpriv", "--pdeathsig=KILL")
_TAIL = 4_000


def eventually(condition: Callable[[], object], what: str, seconds: float = 60.0) -> None:
    """Wait until a condition holds; fail saying what never came true."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"after {seconds:.0f} s it still did not hold that {what}")
        pause.wait(0.02)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command that has ended said."""

    code: int
    out: str
    err: str


@dataclass
class Program:
    """A process that can be started again under the same name; what it says is in one log."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Program":
        """Start it."""
        with self.log.open("ab") as sink:
            self.process = subprocess.Popen(
                [*_DIES_WITH_THIS, *self.command],
                env=_environment(self.env),
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                start_new_session=True,
            )
        return self

    def kill(self) -> None:
        """End it as a crash would."""
        self._running.send_signal(signal.SIGKILL)
        self._running.wait(10)

    def ask_to_stop(self) -> None:
        """Ask it to end, as an operator or a scheduler would."""
        self.signal(signal.SIGTERM)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._running.send_signal(number)

    def stop(self) -> int:
        """Ask it to end, and say its exit code."""
        self.ask_to_stop()
        return self.wait(30)

    def wait(self, seconds: float) -> int:
        """Wait for its end and say its exit code."""
        try:
            return self._running.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} had not ended after {seconds:.0f} s") from None

    def alive(self) -> bool:
        """Say whether it runs."""
        return self.process is not None and self.process.poll() is None

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        assert self.process is not None, f"{self.name} was never started"
        return self.process

    def said(self) -> str:
        """Read its log."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def tail(self) -> str:
        """Read the end of its log."""
        return f"--- the end of what {self.name} said:\n{self.said()[-_TAIL:]}"


def run(arguments: Sequence[str], env: Mapping[str, str]) -> Answer:
    """Run a command of `aloft` to its end."""
    done = subprocess.run(
        [*_DIES_WITH_THIS, *ALOFT, *arguments],
        env=_environment(env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Answer(done.returncode, done.stdout, done.stderr)


def _environment(own: Mapping[str, str]) -> dict[str, str]:
    around = {name: value for name, value in os.environ.items() if not name.startswith("ALOFT_")}
    return {**around, **own}
