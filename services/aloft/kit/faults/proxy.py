"""The proxies that stand before a port and look just like it."""

import functools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar, cast

from aloft.kit.database import Transaction
from aloft.kit.faults.keys import Keys, by_arguments, by_caller
from aloft.kit.faults.plan import Faults

P = TypeVar("P")


def wrap(port: P, service: str, name: str, faults: Faults, keys: Keys = by_arguments) -> P:
    """Put a proxy before a port: an `Objects`, a `Bus`, a `Transactions`, or another whose calls count."""
    proxy = _Database if hasattr(port, "transaction") else _Port
    return cast(P, proxy(port, service, name, faults, keys))


class _Port:
    """Delegates everything; each call of a method is one address."""

    untouched: frozenset[str] = frozenset()
    """Methods that are no call to anything outside the process."""

    def __init__(self, port: Any, service: str, name: str, faults: Faults, keys: Keys) -> None:
        self._port = port
        self._service = service
        self._name = name
        self._faults = faults
        self._keys = keys

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if not callable(found) or name in self.untouched:
            return found
        return functools.partial(self._call, name, found)

    def _call(self, method: str, call: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        key = self._keys(method, arguments, named)
        address = self._faults.enter(self._service, self._name, method, key)
        result = call(*arguments, **named)
        self._faults.leave(address)
        if method == "subscribe":
            return _Port(result, self._service, "subscription", self._faults, lambda *_: key)
        return result


class _Database(_Port):
    """Transactions have a beginning and a commit, each an address; the key is the use case that opened it."""

    untouched = frozenset({"wake", "advance"})

    def transaction(self) -> AbstractContextManager[Transaction]:
        """Open a transaction; a fault before its commit rolls it back, one after it leaves it committed."""
        return self._transaction(by_caller())

    def read(self) -> AbstractContextManager[Transaction]:
        """Open a transaction that changes nothing."""
        return self._around("read", by_caller(), self._port.read)

    def hold(self, name: str) -> AbstractContextManager[bool]:
        """Try for a lock held across transactions."""
        return self._around("hold", name, functools.partial(self._port.hold, name))

    @contextmanager
    def _transaction(self, key: str) -> Iterator[Transaction]:
        begin = self._faults.enter(self._service, self._name, "begin", key)
        with self._port.transaction() as tx:
            self._faults.leave(begin)
            yield tx
            commit = self._faults.enter(self._service, self._name, "commit", key)
        self._faults.leave(commit)

    @contextmanager
    def _around(
        self, method: str, key: str, call: Callable[[], AbstractContextManager[Any]]
    ) -> Iterator[Any]:
        address = self._faults.enter(self._service, self._name, method, key)
        with call() as opened:
            yield opened
        self._faults.leave(address)
