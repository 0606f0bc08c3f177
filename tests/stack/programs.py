"""Programs of the machine that the servers need, and a sentence for each that is missing."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.stack.cache import CannotBeHad


def program(name: str, needed_for: str, remedy: str) -> str:
    """Return the path of a program, or say what it is needed for and how to get it."""
    found = shutil.which(name)
    if found is None:
        raise CannotBeHad(f"{needed_for} needs `{name}`, which is not on this machine: {remedy}.")
    return found


def java() -> str:
    """Find the Java that Kafka runs on."""
    return program("java", "Kafka", "install a Java runtime, 17 or newer")


def maven() -> str:
    """Find the Maven that fetches Kafka."""
    return program("mvn", "Getting Kafka", "install Maven")


def go() -> str:
    """Find the Go that builds MinIO."""
    return program(
        "go", "Building MinIO", "install Go, 1.21 or newer (it fetches the release that MinIO names)"
    )


def postgres_folder() -> Path:
    """Find PostgreSQL's own programs, which distributions keep off the path."""
    on_path = shutil.which("initdb")
    folders = [Path(on_path).resolve().parent] if on_path else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: -float(path.parent.name))
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise CannotBeHad(
        "PostgreSQL's `initdb` and `postgres` are not on this machine: install PostgreSQL 15 or newer."
    )


def run_quietly(command: list[str], *, what: str, folder: Path, **environment: str) -> None:
    """Run a step of getting a server; its output is shown only if it fails."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CannotBeHad(f"{what} failed (exit {done.returncode}):\n{done.stdout[-3000:]}")
