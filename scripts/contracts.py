"""Lint the protos with buf, and prove that nothing breaks a client of the last release."""

import io
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUF = Path(sys.executable).parent / "buf"


def image(root: Path, target: Path) -> Path:
    """Compile the protos of a tree, by that tree's own script, into an image that buf reads.

    buf would look imports up in its registry; protoc finds them in the installed packages.
    """
    subprocess.run([sys.executable, root / "scripts" / "protos.py", "--image", target], check=True)
    return target


def last_release() -> str | None:
    """Name the newest release tag that this commit descends from."""
    command = ["git", "describe", "--tags", "--abbrev=0", "--match", "v[0-9]*"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return found.stdout.strip() or None


def tree_of(tag: str, target: Path) -> Path:
    """Unpack what the protos of a release need."""
    archive = subprocess.run(
        ["git", "archive", tag, "protos", "scripts"], cwd=ROOT, stdout=subprocess.PIPE, check=True
    ).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(target, filter="data")
    return target


def buf(*arguments: str | Path) -> int:
    """Run buf with the repository's configuration."""
    return subprocess.run([BUF, *arguments, "--config", ROOT / "buf.yaml"], cwd=ROOT, check=False).returncode


def main() -> int:
    """Check the contracts."""
    with tempfile.TemporaryDirectory() as scratch:
        current = image(ROOT, Path(scratch) / "current.binpb")
        if failed := buf("lint", current):
            return failed
        tag = last_release()
        if tag is None:
            print("protos are clean; no release yet, so none to break")
            return 0
        before = image(tree_of(tag, Path(scratch) / tag), Path(scratch) / "before.binpb")
        if failed := buf("breaking", current, "--against", before, "--against-config", ROOT / "buf.yaml"):
            return failed
    print(f"protos are clean and break nothing of {tag}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
