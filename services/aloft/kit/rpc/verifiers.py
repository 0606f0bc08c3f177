"""Whose a key is: asked of the label store, of the services' shared secret, or of one after the other."""

import hashlib
import hmac
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Protocol

from aloft.kit.clock import SECOND, Clock, SystemClock
from aloft.kit.rpc import keys
from aloft.kit.rpc.call import Principal, Role


class Verifier(Protocol):
    """Says who proves to be who by a key."""

    def verify(self, key: str) -> Principal | None:
        """Name the caller, None if the key is unknown or revoked; raises `Unavailable` if it cannot say."""


class ServiceKeyVerifier:
    """Knows the services' keys by the secrets they share: the current one, and the last during a rotation."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._secrets = tuple(secrets)

    def verify(self, key: str) -> Principal | None:
        """Name the service that the key was made for."""
        parsed = keys.parse(key)
        if parsed is None or parsed.role is not Role.SERVICE:
            return None
        expected = (keys.service_key(secret, parsed.id) for secret in self._secrets)
        if not any(hmac.compare_digest(key, one) for one in expected):
            return None
        return Principal(f"services/{parsed.id}", Role.SERVICE)


class RemoteVerifier:
    """Asks the label store, and remembers the answer so briefly that a revoked key soon is one here too."""

    def __init__(
        self,
        ask: Callable[[str], Principal | None],
        *,
        clock: Clock | None = None,
        known_s: float = 10.0,
        unknown_s: float = 2.0,
        capacity: int = 10_000,
    ) -> None:
        self._ask = ask
        self._clock = clock or SystemClock()
        self._known_us = round(known_s * SECOND)
        self._unknown_us = round(unknown_s * SECOND)
        self._capacity = capacity
        self._answers: OrderedDict[bytes, tuple[int, Principal | None]] = OrderedDict()
        self._lock = threading.Lock()

    def verify(self, key: str) -> Principal | None:
        """Name the caller, from memory if it was asked just now."""
        if keys.parse(key) is None:
            return None
        # Digests, so that a dump of the memory shows no key.
        digest = hashlib.sha256(key.encode()).digest()
        now = self._clock.now()
        with self._lock:
            until, principal = self._answers.get(digest, (0, None))
        if now < until:
            return principal
        principal = self._ask(key)
        self._remember(digest, now, principal)
        return principal

    def _remember(self, digest: bytes, now: int, principal: Principal | None) -> None:
        lifetime = self._unknown_us if principal is None else self._known_us
        with self._lock:
            self._answers[digest] = (now + lifetime, principal)
            self._answers.move_to_end(digest)
            while len(self._answers) > self._capacity:
                self._answers.popitem(last=False)


class ChainVerifier:
    """Asks one after the other until one knows the key."""

    def __init__(self, *verifiers: Verifier) -> None:
        self._verifiers = verifiers

    def verify(self, key: str) -> Principal | None:
        """Name the caller, as the first that knows the key does."""
        for verifier in self._verifiers:
            principal = verifier.verify(key)
            if principal is not None:
                return principal
        return None
