"""API keys: `aloft_<role>_<id>_<secret>`. The key is shown once; what is stored is a fast keyed hash of it.

A key carries 256 bits of chance, so it needs no slow hash: nobody can guess it from its digest. The hash is
keyed with a pepper that is not in the database, so that a stolen table verifies nothing.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field

from aloft.kit.rpc.call import Role

_KEY = re.compile(r"aloft_(?P<role>[a-z]+)_(?P<id>[a-z0-9][a-z0-9_-]{0,62})_(?P<secret>[0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key taken apart. Nothing is proved by that."""

    role: Role
    id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class MintedKey:
    """A new key: `key` is shown once, `hash` is stored under `id`."""

    id: str
    key: str = field(repr=False)
    hash: bytes = field(repr=False)


def mint(role: Role, pepper: str) -> MintedKey:
    """Make a key that nobody can guess."""
    identifier = secrets.token_hex(8)
    key = _compose(role, identifier, secrets.token_hex(32))
    return MintedKey(identifier, key, hash_of(key, pepper))


def hash_of(key: str, pepper: str) -> bytes:
    """Compute what is stored of a key: HMAC-SHA256 under the pepper."""
    return hmac.digest(pepper.encode(), key.encode(), hashlib.sha256)


def matches(key: str, pepper: str, stored: bytes) -> bool:
    """Whether a stored hash is this key's, in a time that does not tell how much of it was right."""
    return hmac.compare_digest(hash_of(key, pepper), stored)


def parse(key: str) -> ApiKey | None:
    """Take a key apart; None if it is none."""
    found = _KEY.fullmatch(key)
    if found is None or found["role"] not in set(Role):
        return None
    return ApiKey(Role(found["role"]), found["id"], found["secret"])


def service_key(secret: str, name: str) -> str:
    """Make a service's key from the secret that all services share; it is verified without a database."""
    return _compose(Role.SERVICE, name, hmac.digest(secret.encode(), name.encode(), hashlib.sha256).hex())


def _compose(role: Role, identifier: str, secret: str) -> str:
    key = f"aloft_{role}_{identifier}_{secret}"
    if parse(key) is None:
        raise ValueError(f"{identifier!r} cannot be in a key: use a-z, 0-9, _ and -, at most 63 of them")
    return key
