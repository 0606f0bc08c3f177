"""What is downloaded or built once for a machine: kept outside the checkout, by name and version."""

import fcntl
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


class CannotBeHad(RuntimeError):
    """Something a server is made of cannot be had on this machine; its text is a sentence for a person."""


def cache_root() -> Path:
    """Say where this machine keeps what the servers are made of."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    root = Path(base) / "aloft" / "stack"
    root.mkdir(parents=True, exist_ok=True)
    return root


def say(sentence: str) -> None:
    """Tell whoever waits what is being done, at once."""
    print(f"stack: {sentence}", file=sys.stderr, flush=True)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock between processes while the block runs."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def provide(name: str, version: str, doing: str, build: Callable[[Path], None]) -> Path:
    """Return the folder of `name` at `version`, having it built once, whole or not at all."""
    root = cache_root()
    final = root / name / version
    if final.exists():
        return final
    final.parent.mkdir(exist_ok=True)
    with locked(root / name / f"{version}.lock"):
        if final.exists():  # another session built it while this one waited
            return final
        say(doing)
        scratch = Path(tempfile.mkdtemp(prefix=".building-", dir=final.parent))
        try:
            build(scratch)
            scratch.chmod(0o755)
            scratch.rename(final)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return final
