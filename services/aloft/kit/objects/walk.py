"""Walks a folder's files in the order of their keys, as an object store lists them."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

from aloft.kit.objects.errors import BadKey
from aloft.kit.objects.keys import check_key

log = logging.getLogger(__name__)


def files_in_order(
    root: Path, prefix: str, start_after: str, *, hidden: str
) -> Iterator[tuple[str, os.stat_result]]:
    """Give key and stat of each file whose key begins with the prefix and comes after `start_after`."""
    return _walk(root, "", prefix, start_after, hidden)


def _walk(
    folder: Path, above: str, prefix: str, start_after: str, hidden: str
) -> Iterator[tuple[str, os.stat_result]]:
    for name, is_folder in _entries(folder):
        key = above + name
        if is_folder:
            # `a/x` comes behind `a-`, before `aa`: a folder is sorted, and skipped, with its slash.
            may_match = key.startswith(prefix) or prefix.startswith(key)
            is_behind = key > start_after or start_after.startswith(key)
            if may_match and is_behind and key != hidden + "/":
                yield from _walk(folder / name, key, prefix, start_after, hidden)
        elif key.startswith(prefix) and key > start_after and _is_key(key):
            try:
                yield key, (folder / name).lstat()
            except FileNotFoundError:
                continue  # deleted since the folder was read


def _entries(folder: Path) -> list[tuple[str, bool]]:
    entries: list[tuple[str, bool]] = []
    try:
        with os.scandir(folder) as found:
            for entry in found:
                if entry.is_dir(follow_symlinks=False):
                    entries.append((entry.name + "/", True))
                elif entry.is_file(follow_symlinks=False):
                    entries.append((entry.name, False))
    except FileNotFoundError:
        return []  # removed since the folder above was read
    return sorted(entries)


def _is_key(key: str) -> bool:
    try:
        check_key(key)
    except BadKey as wrong:
        log.warning("left out of the listing: %s", wrong)
        return False
    return True
