"""What an event names instead of holding: an object that was too long for it, under its digest."""

from aloft.kit.bus.context import Poison
from aloft.kit.objects.digests import sha256_hex
from aloft.kit.objects.port import Objects


def attached(objects: Objects, key: str, digest: str) -> bytes:
    """Read an object that an event named; another one under its key makes the event poison."""
    data = objects.get(key)
    if (found := sha256_hex(data)) != digest:
        raise Poison(f"the manifest {key} has the SHA-256 {found}, the event says {digest}")
    return data
