"""How a listing goes on behind a key on MinIO, which loses keys where that key lies in a folder.

Asked to start after `a/x`, MinIO begins at the siblings of `a/` and counts those before it (`a-1`, `a.tif`)
towards the page. Where they fill it, the answer is short or empty and says that nothing follows. A start with
no slash behind the prefix is not touched by it, so one listing becomes one for each folder on the way up.
"""

from collections.abc import Iterator

AFTER_SLASH = chr(ord("/") + 1)
"""What follows the slash: in its place it makes of a folder's name the first key behind the folder."""


def steps_behind(prefix: str, start_after: str) -> Iterator[tuple[str, str]]:
    """Give prefixes and where to start in each: together, with each start but the first, all keys behind."""
    after = start_after
    while len(folder := after[: after.rfind("/") + 1]) > len(prefix):
        yield folder, after
        after = folder[:-1] + AFTER_SLASH
    yield prefix, after
