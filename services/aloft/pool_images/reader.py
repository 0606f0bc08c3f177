"""Reads one image of the pool as it was registered, or says why it cannot be used."""

import errno
import hashlib
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from aloft.imagery import ImageError, ImageSpec, TooLarge, preprocess
from aloft.kit.objects.errors import BadKey, ObjectMissing, StoreRefused
from aloft.kit.objects.port import Objects


class Reason(StrEnum):
    """Why an image cannot be used."""

    UNREADABLE = "UNREADABLE"
    MISSING = "MISSING"
    CHANGED = "CHANGED"
    WRONG_BANDS = "WRONG_BANDS"
    REFUSED = "REFUSED"
    """The store does not give this object, and gives others."""


@dataclass(frozen=True, slots=True)
class PoolImage:
    """One image as it was registered."""

    id: str
    key: str
    etag: str
    version: int


@dataclass(frozen=True, slots=True)
class Rejected:
    """An image that cannot be used, and why."""

    image: PoolImage
    reason: Reason
    detail: str


Stage = Callable[[str], AbstractContextManager[None]]
"""Called around `read` and `preprocess`, for whoever counts where time goes."""

_OF_ONE_FILE = {errno.EACCES, errno.EPERM, errno.EIO}
"""What an operating system says where it may be one file that is at fault, and not the machine."""


class ImageReader:
    """Safe to share between threads. A store that is away, or refuses everything, raises.

    That is not the image's fault. `others` names objects of the bucket to try where one is refused.
    """

    def __init__(
        self,
        pool: Objects,
        spec: ImageSpec,
        max_bytes: int,
        stage: Stage = lambda _: nullcontext(),
        others: Callable[[], Iterable[str]] = lambda: (),
    ) -> None:
        self._pool = pool
        self._spec = spec
        self._max_bytes = max_bytes
        self._stage = stage
        self._others = others
        self._readable = ""
        """Key of an object that could be read."""

    def __call__(self, image: PoolImage) -> NDArray[np.float32] | Rejected:
        """Read, check and preprocess one image."""
        try:
            return self._usable(image)
        except (StoreRefused, OSError) as error:
            if not (_may_be_its_own(error) and self._gives_another(image.key)):
                raise
        # Asked once more behind the other: what refused everything a moment ago may be over.
        try:
            return self._usable(image)
        except (StoreRefused, OSError) as error:
            if not _may_be_its_own(error):
                raise
            return Rejected(image, Reason.REFUSED, f"the store gives other objects and not this one: {error}")

    def _usable(self, image: PoolImage) -> NDArray[np.float32] | Rejected:
        try:
            with self._stage("read"):
                data = self._read(image)
                changed = not self._as_registered(image, data)
        except ObjectMissing:
            return Rejected(image, Reason.MISSING, "the pool bucket has no object under the image's key")
        except (BadKey, TooLarge) as error:
            return Rejected(image, Reason.UNREADABLE, str(error))
        self._readable = image.key
        if changed:
            detail = "the object is not the one that was registered: its etag differs"
            return Rejected(image, Reason.CHANGED, detail)
        try:
            with self._stage("preprocess"):
                return preprocess(data, self._spec)
        except ImageError as error:
            return Rejected(image, Reason(error.reason), str(error))

    def _read(self, image: PoolImage) -> bytes:
        pieces: list[bytes] = []
        size = 0
        with self._pool.stream(image.key) as stream:
            for piece in stream:
                size += len(piece)
                if size > self._max_bytes:
                    raise TooLarge(f"the object is longer than {self._max_bytes} bytes")
                pieces.append(piece)
        return b"".join(pieces)

    def _as_registered(self, image: PoolImage, data: bytes) -> bool:
        # S3's etag of an object stored in one part is its MD5: then the bytes in hand prove themselves.
        if hashlib.md5(data, usedforsecurity=False).hexdigest() == image.etag:
            return True
        # Asked after reading: had the object been replaced before that, or meanwhile, its etag would differ.
        return self._pool.stat(image.key).etag == image.etag

    def _gives_another(self, refused: str) -> bool:
        """Say whether the bucket gives any other object now: that it did before may be over."""
        if self._readable not in ("", refused) and self._gives(self._readable):
            return True
        return any(key != refused and self._gives(key) for key in self._others())

    def _gives(self, key: str) -> bool:
        """Ask of an object whatever an image is asked for."""
        try:
            with self._pool.stream(key) as pieces:
                next(pieces, None)
            self._pool.stat(key)
        except (ObjectMissing, BadKey):
            return False
        except (StoreRefused, OSError) as error:
            if not _may_be_its_own(error):
                raise
            return False
        return True


def _may_be_its_own(error: Exception) -> bool:
    return isinstance(error, StoreRefused) or (isinstance(error, OSError) and error.errno in _OF_ONE_FILE)
