"""The processes of a demonstration. They are started, watched and ended here, and none outlives it."""

import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path

from aloft.demo.interruption import Interruption

POLL_S = 0.05
STOP_S = 10.0
"""How long processes that were asked to end have before they are killed."""
TAIL = 20


class DemoFailed(Exception):
    """The demonstration cannot go on; a sentence says why, and the ends of the logs may say more."""

    def __init__(self, sentence: str, tails: str = "") -> None:
        super().__init__(sentence)
        self.tails = tails


class Child:
    """One module run as a process, and its log."""

    def __init__(self, name: str, log: Path, env: Mapping[str, str], command: Sequence[str]) -> None:
        self.name = name
        self.log = log
        shim = [sys.executable, "-m", "aloft.demo.child", str(os.getpid())]
        with log.open("ab") as sink:
            # A session of its own: Ctrl-C is for the demonstration alone, which ends its children in order.
            self.process = subprocess.Popen(
                [*shim, *command],
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                start_new_session=True,
            )

    def check(self) -> None:
        """Raise if it has ended."""
        code = self.process.poll()
        if code is not None:
            raise DemoFailed(f"{self.name} ended by itself with code {code}")

    def result(self, interruption: Interruption, seconds: float) -> str:
        """Wait until it ends by itself and give all that it said."""
        until = time.monotonic() + seconds
        while self.process.poll() is None:
            interruption.check()
            if time.monotonic() > until:
                raise DemoFailed(f"{self.name} did not end within {seconds:.0f} s")
            time.sleep(POLL_S)
        if self.process.returncode != 0:
            raise DemoFailed(f"{self.name} ended with code {self.process.returncode}")
        return self.log.read_text(errors="replace")

    def ask_to_end(self) -> None:
        """Ask it to end in order, without waiting for it."""
        self.process.send_signal(signal.SIGTERM)

    def end(self, seconds: float) -> None:
        """Wait for the end that it was asked for, and insist if it takes too long."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it at once; nothing happens if it has ended."""
        self.process.kill()
        self.process.wait()

    def tail(self, lines: int = TAIL) -> str:
        """Give the end of its log."""
        with self.log.open(errors="replace") as opened:
            return "".join(deque(opened, lines)).rstrip()
