"""URLs that carry their own permission: a key and a time, under a keyed hash, for stores that cannot sign."""

import base64
import binascii
import hashlib
import hmac
import json
from urllib.parse import urlsplit

from aloft.kit.clock import SECOND, Clock

SECRET_BYTES = 32
"""The least that a secret may have: as much as the hash it keys."""

PATH = "/objects/"
"""What comes before the token in a URL."""


class TokenRefused(Exception):
    """A token that opens nothing; `reason` is MALFORMED, BAD_SIGNATURE, OTHER_BUCKET or EXPIRED."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class UrlSigner:
    """Makes and opens the URLs of one bucket. A token is bucket, key and expiry, and their HMAC-SHA256."""

    def __init__(self, secret: bytes, public_url: str, bucket: str, clock: Clock) -> None:
        parts = urlsplit(public_url)
        if len(secret) < SECRET_BYTES:
            raise ValueError(
                f"the secret that signs URLs needs {SECRET_BYTES} random bytes, not {len(secret)}"
            )
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError(f"public_url must be like https://labels.example.org, not {public_url!r}")
        self._secret = secret
        self._base = public_url.rstrip("/") + PATH
        self._bucket = bucket
        self._clock = clock

    def url(self, key: str, expires_s: float) -> str:
        """Make the URL under which the object may be read for so many seconds."""
        if expires_s <= 0:
            raise ValueError(f"a signed URL must be valid for more than 0 s, not {expires_s}")
        expires = self._clock.now() + round(expires_s * SECOND)
        claims = _encode(json.dumps([self._bucket, key, expires], ensure_ascii=False).encode())
        return f"{self._base}{claims}.{self._signature(claims)}"

    def open(self, token: str) -> str:
        """Return the key that a token permits to read now, or raise `TokenRefused`."""
        claims, dot, signature = token.partition(".")
        if not dot:
            raise TokenRefused("MALFORMED", "this is no token of a signed URL; copy the whole URL")
        # Compared as text: base64 has spellings that decode alike, and a token has one spelling only.
        if not hmac.compare_digest(self._signature(claims).encode(), signature.encode(errors="replace")):
            raise TokenRefused("BAD_SIGNATURE", "the URL was changed, or signed with another secret")
        bucket, key, expires = _decode(claims)
        if bucket != self._bucket:
            raise TokenRefused("OTHER_BUCKET", "the URL is signed for another bucket")
        if self._clock.now() >= expires:
            raise TokenRefused("EXPIRED", "the URL has expired; ask for the task again to get a new one")
        return key

    def _signature(self, claims: str) -> str:
        message = b"aloft signed object 1\n" + claims.encode(errors="replace")
        return _encode(hmac.digest(self._secret, message, hashlib.sha256))


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(claims: str) -> tuple[str, str, int]:
    try:
        bucket, key, expires = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    except (ValueError, binascii.Error) as wrong:
        raise TokenRefused("MALFORMED", f"a signed token of another kind: {wrong}") from None
    return bucket, key, expires
