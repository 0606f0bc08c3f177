"""Time, in one place: integer microseconds since the epoch, from a clock that a test can set forward.

Python reads it from a `Clock`; SQL reads it from `aloft_now()`, which `aloft.kit.database` defines. Only the
database's clock decides a lease.
"""

import time
from typing import Protocol

SECOND = 1_000_000
"""Microseconds in a second."""


class Clock(Protocol):
    """Where a process reads the time of day."""

    def now(self) -> int:
        """Say the time in microseconds since the epoch."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> int:
        """Say the machine's time."""
        return time.time_ns() // 1_000


class ManualClock:
    """A clock that moves only when it is told to: for tests."""

    def __init__(self, start: int = 1_700_000_000 * SECOND) -> None:
        self._now = start

    def now(self) -> int:
        """Say the time it was last set to."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Set the clock forward."""
        if seconds < 0:
            raise ValueError(f"time does not run backwards: advance({seconds})")
        self._now += round(seconds * SECOND)
