"""SHA-256 of bytes on their way into or out of a store, so that nothing is read twice to be digested."""

import hashlib
from collections.abc import Iterable, Iterator


def sha256_hex(data: bytes) -> str:
    """Digest bytes that are in memory."""
    return hashlib.sha256(data).hexdigest()


class HashedStream:
    """Passes a stream of bytes on, once, and knows the digest and size of what has passed."""

    def __init__(self, source: Iterable[bytes]) -> None:
        self._source = source
        self._sha256 = hashlib.sha256()
        self.size = 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._source:
            self._sha256.update(piece)
            self.size += len(piece)
            yield piece

    @property
    def hexdigest(self) -> str:
        """The digest of the bytes so far: of the whole stream once it has ended."""
        return self._sha256.hexdigest()
