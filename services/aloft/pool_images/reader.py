"""Reads one image of the pool as it was registered, or says why it cannot be used."""

import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from aloft.imagery import ImageError, ImageSpec, TooLarge, preprocess
from aloft.kit.objects.errors import BadKey, ObjectMissing
from aloft.kit.objects.port import Objects


class Reason(StrEnum):
    """Why an image cannot be used."""

    UNREADABLE = "UNREADABLE"
    MISSING = "MISSING"
    CHANGED = "CHANGED"
    WRONG_BANDS = "WRONG_BANDS"


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


class ImageReader:
    """Safe to share between threads. A store that is away raises: that is not the image's fault."""

    def __init__(
        self, pool: Objects, spec: ImageSpec, max_bytes: int, stage: Stage = lambda _: nullcontext()
    ) -> None:
        self._pool = pool
        self._spec = spec
        self._max_bytes = max_bytes
        self._stage = stage

    def __call__(self, image: PoolImage) -> NDArray[np.float32] | Rejected:
        """Read, check and preprocess one image."""
        try:
            with self._stage("read"):
                data = self._read(image)
                changed = not self._as_registered(image, data)
        except ObjectMissing:
            return Rejected(image, Reason.MISSING, "the pool bucket has no object under the image's key")
        except (BadKey, TooLarge) as error:
            return Rejected(image, Reason.UNREADABLE, str(error))
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
