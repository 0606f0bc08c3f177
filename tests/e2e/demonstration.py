"""`aloft demo` as a process, and what it leaves behind on this machine."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

SMALL = ["--images", "40", "--test", "12", "--size", "32", "--batch-size", "6", "--batches", "2"]
SMALL += ["--architecture", "tiny", "--pretrain-steps", "2", "--train-steps", "2"]
MARK = "DEMO_TEST_MARK"


class Demo:
    """One run, whose processes are known by a mark in their environment and whose files by their folder."""

    def __init__(self, folder: Path, env: Mapping[str, str] | None = None) -> None:
        folder.mkdir()
        self.folder = folder
        self.env = env or {}
        self.out = folder.with_name("out")
        self.mark = f"{MARK}={uuid4()}"
        self.said: list[str] = []
        self._process: subprocess.Popen[str] | None = None

    def start(self, *options: str) -> subprocess.Popen[str]:
        """Start it in a session of its own, as a terminal does."""
        name, _, value = self.mark.partition("=")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "aloft.cli.main", "demo", *SMALL, "--out", str(self.out), *options],
            env={**os.environ, **self.env, name: value, "TMPDIR": str(self.folder)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        return self._process

    def listen(self) -> None:
        """Keep what it prints, as it prints it, so that it can be waited for."""
        assert self._process is not None
        assert self._process.stdout is not None
        lines = self._process.stdout
        threading.Thread(target=lambda: self.said.extend(lines), daemon=True).start()

    def processes(self) -> list[int]:
        """Find the processes of this run that are alive."""
        found = []
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and self.mark.encode() in (entry / "environ").read_bytes():
                    found.append(int(entry.name))
            except OSError:  # it has ended, or is somebody else's
                continue
        return found

    def left(self) -> list[str]:
        """List the files of this run that are there."""
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*"))

    def stop(self) -> None:
        """End what a failed test left."""
        for process in self.processes():
            os.kill(process, signal.SIGKILL)
        if self._process is not None:
            self._process.wait(10)
            for stream in (self._process.stdout, self._process.stderr):
                if stream is not None:
                    stream.close()
