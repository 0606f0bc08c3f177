"""Which keys an object may be stored under: those that every adapter and every URL carries unharmed."""

from aloft.kit.objects.errors import BadKey

KEY_BYTES = 1024
"""The longest key that S3 takes, in UTF-8."""

SEGMENT_BYTES = 255
"""The longest part between two slashes: a file name on the usual file systems, beneath MinIO too."""


def check_key(key: str) -> str:
    """Return the key, or raise `BadKey` saying what is wrong with it."""
    try:
        encoded = key.encode()
    except UnicodeEncodeError:
        raise BadKey(key, "it is not Unicode text") from None
    if len(encoded) > KEY_BYTES:
        raise BadKey(key, f"it is longer than {KEY_BYTES} bytes")
    if any(ord(character) < 0x20 or ord(character) == 0x7F for character in key):
        raise BadKey(key, "it has a control character")
    for segment in key.split("/"):
        if segment in ("", ".", ".."):
            raise BadKey(key, "no part between slashes may be empty, '.' or '..'")
        if len(segment.encode()) > SEGMENT_BYTES:
            raise BadKey(key, f"a part between slashes is longer than {SEGMENT_BYTES} bytes")
    if not key.strip():
        raise BadKey(key, "it is blank")
    return key
