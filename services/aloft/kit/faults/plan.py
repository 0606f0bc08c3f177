"""Which call a fault is for, and what it does there."""

import re
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

When = Literal["before", "after"]


class Crash(BaseException):
    """The process died here. No `except Exception` of the code under test may survive it."""


class InjectedFault(Exception):
    """The port failed because a test wanted it to."""


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """One call of a run: the `occurrence`-th, from 1, of this method with this key."""

    service: str
    port: str
    method: str
    key: str
    occurrence: int

    def __str__(self) -> str:
        return f"{self.service}.{self.port}.{self.method}[{self.key}]#{self.occurrence}"


@dataclass(frozen=True, slots=True)
class Fail:
    """Raise an exception of this kind; `InjectedFault` unless the caller is to know a real one."""

    error: Callable[[str], Exception] = InjectedFault


@dataclass(frozen=True, slots=True)
class Delay:
    """Do something else first: set the time forward, let another worker run."""

    meanwhile: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens before or after the call at an address. After: it took effect, and nobody was told."""

    address: Address
    when: When
    what: Fail | Delay | type[Crash]

    def __str__(self) -> str:
        what = self.what.__name__ if isinstance(self.what, type) else type(self.what).__name__
        return f"{what} {self.when} {self.address}"


_RANDOM = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?<![0-9A-Za-z])[0-9a-f]{16,}(?![0-9A-Za-z])"
)


def without_random_parts(key: str) -> str:
    """Put `*` for what differs between runs of one seed: UUIDs and long hexadecimal digests."""
    return _RANDOM.sub("*", key)


class Faults:
    """Writes down every call of the ports it stands before, and does at most one fault, once."""

    def __init__(self, normalise: Callable[[str], str] = without_random_parts) -> None:
        self.calls: list[Address] = []
        self.fired: Fault | None = None
        self._armed: Fault | None = None
        self._normalise = normalise
        self._seen: Counter[tuple[str, str, str, str]] = Counter()
        self._lock = threading.Lock()

    def arm(self, fault: Fault) -> None:
        """Do this at its address. Occurrences count from the beginning of the run, crashes included."""
        self._armed = fault

    def enter(self, service: str, port: str, method: str, key: str) -> Address:
        """Write down a call that is about to be made, and do what is to be done before it."""
        key = self._normalise(key)
        with self._lock:
            self._seen[service, port, method, key] += 1
            address = Address(service, port, method, key, self._seen[service, port, method, key])
            self.calls.append(address)
        self._do(address, "before")
        return address

    def leave(self, address: Address) -> None:
        """Do what is to be done after a call that took effect."""
        self._do(address, "after")

    def _do(self, address: Address, when: When) -> None:
        fault = self._armed
        if fault is None or fault.address != address or fault.when != when:
            return
        self._armed, self.fired = None, fault
        if isinstance(fault.what, Delay):
            fault.what.meanwhile()
        elif isinstance(fault.what, Fail):
            raise fault.what.error(str(fault))
        else:
            raise fault.what(str(fault))
