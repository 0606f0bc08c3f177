"""Background loops as objects with `step()`: production calls it in a loop, a test by hand in any order."""

import logging
import threading
from typing import Protocol

log = logging.getLogger(__name__)

IDLE_S = 0.25
"""How long a loop that found nothing to do waits, unless it is woken."""
BACKOFF_S = (0.1, 5.0)
"""First and longest wait after a step that raised."""


class Step(Protocol):
    """One background loop, taken a step at a time."""

    @property
    def name(self) -> str:
        """What the loop is called in logs and metrics."""

    def step(self) -> bool:
        """Do one bounded piece of work; True means there may be more at once."""


class Wake:
    """Tells a loop in the same process that there is work. Losing one costs `IDLE_S`, never correctness."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        """Wake the loop, now or when it next waits."""
        self._event.set()

    def wait(self, seconds: float) -> None:
        """Wait until woken or until the time has passed."""
        self._event.wait(seconds)
        self._event.clear()


class Loop:
    """Runs a step in a thread until it is stopped. A step that raises is logged, counted, and tried again."""

    def __init__(self, step: Step, wake: Wake | None = None, idle_s: float = IDLE_S) -> None:
        self._step = step
        self.name = step.name
        self._wake = wake or Wake()
        self._idle_s = idle_s
        self._stopping = threading.Event()
        self.failures = 0
        self._thread = threading.Thread(target=self._run, name=step.name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the loop to end after the step it is in."""
        self._stopping.set()
        self._wake.set()

    def join(self, seconds: float) -> bool:
        """Wait for the end; False if the step is still running after that time."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        wait = BACKOFF_S[0]
        while not self._stopping.is_set():
            try:
                busy = self._step.step()
                wait = BACKOFF_S[0]
            except Exception:
                self.failures += 1
                log.exception("%s failed; trying again in %.1f s", self._step.name, wait)
                self._stopping.wait(wait)
                wait = min(wait * 2, BACKOFF_S[1])
                continue
            if not busy:
                self._wake.wait(self._idle_s)
