"""Identifiers that every service must make alike."""

import hashlib
import re
import uuid

_SLUG = re.compile(r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")
_IMAGE = re.compile(r"[0-9a-f]{32}")


def image_id(key: str) -> str:
    """Name an image by a hash of its key: keys can betray a class, this cannot."""
    return hashlib.sha256(key.encode()).digest()[:16].hex()


def is_image_id(text: str) -> bool:
    """Whether the text is what `image_id` makes."""
    return _IMAGE.fullmatch(text) is not None


def is_slug(text: str) -> bool:
    """Whether the text may be an id that a person chooses: a campaign's, a vendor's, a label's."""
    return _SLUG.fullmatch(text) is not None


SLUG_RULE = "use a-z, 0-9 and hyphens, at most 63, beginning with a letter, not ending with a hyphen"
"""What `is_slug` asks for, in words."""


def random_id() -> str:
    """Make an id that nobody can guess and nothing is ordered by."""
    return uuid.uuid4().hex
