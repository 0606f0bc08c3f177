"""Ctrl-C, SIGTERM and a closed terminal, turned into one exception that unwinds the demonstration."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """Somebody asked the demonstration to end."""


class Interruption:
    """Whether the demonstration was asked to end. Only the first signal counts: tidying up goes on."""

    def __init__(self) -> None:
        self._by = ""
        self._armed = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take the signals while the block runs."""
        before = {number: signal.signal(number, self._take) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def raising(self) -> Iterator[None]:
        """Raise `Interrupted` out of the block, wherever it is, at a signal that comes or has come."""
        try:
            self._armed = True
            self.check()
            yield
        finally:
            self._armed = False

    def check(self) -> None:
        """Raise if a signal came, even where a library swallowed what its handler raised."""
        if self._by:
            raise Interrupted(f"stopped by {self._by}")

    def _take(self, number: int, _frame: FrameType | None) -> None:
        if not self._by:
            self._by = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name
            if self._armed:
                self.check()
