"""A checkpoint as bytes: what it belongs to, the state, and a digest by which damage is noticed."""

import hashlib
import io
import logging
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from aloft.networks import Backbone, backbone_digest

log = logging.getLogger(__name__)

_FORMAT = 1
_DIGEST = 32
_WHOLE = 64 << 20
_SAMPLE = 64


def fingerprint(recipe: object, backbone: Backbone, *arrays: NDArray[np.floating]) -> bytes:
    """Digest what decides a training's outcome: recipe, starting weights, and the data.

    Of arrays too large to read for this it takes the shape and some rows. Another version of torch may round
    otherwise, and write its optimisers' state otherwise.
    """
    decides = (_FORMAT, torch.__version__, repr(recipe), backbone_digest(backbone))
    sha256 = hashlib.sha256("\n".join(map(str, decides)).encode())
    for array in arrays:
        sha256.update(f"{array.shape} {array.dtype}\n".encode())
        rows = len(array) if array.nbytes <= _WHOLE else _SAMPLE
        for row in np.linspace(0, len(array) - 1, rows).astype(int):
            sha256.update(np.ascontiguousarray(array[row]).tobytes())
    return sha256.digest()


def seal(state: dict[str, Any], belongs_to: bytes) -> bytes:
    """Write a state down."""
    written = io.BytesIO()
    torch.save(state, written)
    body = written.getbuffer()
    sha256 = hashlib.sha256(belongs_to)
    sha256.update(body)
    return b"".join((sha256.digest(), belongs_to, body))


def unseal(data: bytes, belongs_to: bytes) -> dict[str, Any] | None:
    """Read a state; none where it is damaged or another training's, which then starts over.

    Starting over ends with the same weights, only later; refusing would need somebody to delete an object.
    """
    digest, body = data[:_DIGEST], memoryview(data)[_DIGEST:]
    if hashlib.sha256(body).digest() != digest:
        log.warning("a checkpoint of %d bytes is damaged: training starts over", len(data))
        return None
    if body[:_DIGEST] != belongs_to:
        log.warning("a checkpoint is of another recipe, other weights or other data: training starts over")
        return None
    # Tensors, numbers and names alone: nothing in it can run.
    state = torch.load(io.BytesIO(body[_DIGEST:]), map_location="cpu", weights_only=True)
    return cast(dict[str, Any], state)
