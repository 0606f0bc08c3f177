"""The opaque copies of images that vendors read: under a key that says nothing, in the aloft bucket."""

import mimetypes
from dataclasses import dataclass

from aloft.kit.objects.errors import ObjectMissing
from aloft.kit.objects.port import CONTENT_TYPE, Objects
from aloft.label_store.store.images import Image

MARGIN_S = 60
"""A URL outlives its lease by this, so that a download begun in its last second ends well."""


class Unreadable(Exception):
    """The pool bucket does not give the image that was registered: MISSING, or CHANGED since."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Copies:
    """Makes copies of the pool's images in the aloft bucket, and URLs to them."""

    pool: Objects
    objects: Objects

    def make(self, image: Image) -> None:
        """Copy an image as it was registered, or raise `Unreadable`. Safe to repeat."""
        kind = mimetypes.guess_type(image.key)[0] or CONTENT_TYPE
        try:
            found = self.pool.stat(image.key)
            if found.etag != image.object_etag:
                raise Unreadable(
                    "CHANGED", "the object was replaced since it was registered: import it again"
                )
            with self.pool.stream(image.key) as pieces:
                self.objects.put(copy_key(image), pieces, content_type=kind)
        except ObjectMissing:
            raise Unreadable("MISSING", "the pool bucket has no such object any more") from None

    def url(self, image: Image, seconds: float) -> str:
        """Make a URL to the copy that is valid for longer than so many seconds."""
        return self.objects.signed_url(copy_key(image), seconds + MARGIN_S)


def copy_key(image: Image) -> str:
    """Name an image's copy: of each version another, so that what a URL gives never changes."""
    version = f"-{image.version}" if image.version > 1 else ""
    return f"campaigns/{image.campaign}/images/{image.id}{version}"
