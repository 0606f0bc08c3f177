"""Etags (AIP-154): a client that read an old state must not overwrite a new one."""

import base64
import hashlib

from aloft.kit.errors import Aborted


def etag(*parts: object) -> str:
    """Make the etag of a state from what changes with it, such as a row's version."""
    text = "\0".join(str(part) for part in parts)
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()[:12]).decode()


def check(asked: str, current: str) -> None:
    """Raise `Aborted` if the client names a state that is not the current one; naming none is allowed."""
    if asked and asked != current:
        raise Aborted(
            "ETAG_MISMATCH", "it was changed since you read it: read it again and repeat the change"
        )
