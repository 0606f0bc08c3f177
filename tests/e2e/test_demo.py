"""`aloft demo` as a person runs it: it shows the loop, and whatever happens to it, nothing of it stays."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.e2e.program import eventually

SMALL = ["--images", "40", "--test", "12", "--size", "32", "--batch-size", "6", "--batches", "2"]
SMALL += ["--architecture", "tiny", "--pretrain-steps", "2", "--train-steps", "2"]
MARK = "DEMO_TEST_MARK"


class Demo:
    """One run, whose processes are known by a mark in their environment and whose files by their folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.out = folder.with_name("out")
        self.mark = f"{MARK}={uuid4()}"
        self.said: list[str] = []
        self._process: subprocess.Popen[str] | None = None

    def start(self, *options: str) -> subprocess.Popen[str]:
        """Start it in a session of its own, as a terminal does."""
        name, _, value = self.mark.partition("=")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "aloft.cli.main", "demo", *SMALL, "--out", str(self.out), *options],
            env={**os.environ, name: value, "TMPDIR": str(self.folder), "ALOFT_BUS__KIND": "kafka"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        return self._process

    def listen(self) -> None:
        """Keep what it prints, as it prints it."""
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


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    """A run that has not begun. A test that fails leaves nothing of it either."""
    (tmp_path / "tmp").mkdir()
    one = Demo(tmp_path / "tmp")
    yield one
    one.stop()


def test_a_demo_compares_both_arms_and_leaves_only_its_report(demo: Demo) -> None:
    process = demo.start("--json")
    out, err = process.communicate(timeout=110)
    assert demo.processes() == [], f"processes are left:\n{err}"
    assert demo.left() == [], f"files are left:\n{err}"
    assert process.returncode == 0, err
    found = json.loads(out)
    for name, arm in found["arms"].items():
        assert arm["stopped"] == "BUDGET_IMAGES", f"the budget is what ends {name}"
        assert [one["labelled"] for one in arm["rounds"]] == [6, 12], name
        assert all(0 < one["map_macro"] <= 1 for one in arm["rounds"]), f"{name} was not judged"
        assert all(one["why"] for one in arm["rounds"]), f"nothing says why {name} chose what it chose"
    strategies = [one["strategy"] for one in found["arms"]["active"]["rounds"]]
    assert strategies == ["centroids", "mge+kmeans"], "it starts cold, and goes on with what it learned"
    assert {path.name for path in demo.out.iterdir()} == {"report.html", "report.png", "outcome.json"}
    assert json.loads((demo.out / "outcome.json").read_text()) == found


def test_ctrl_c_in_the_middle_leaves_nothing(demo: Demo) -> None:
    process = demo.start()
    demo.listen()
    eventually(lambda: any("registered" in line for line in demo.said), "images are registered", 60)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(20) == 1, "a demonstration that was interrupted did not succeed"
    assert demo.processes() == [], "processes outlive Ctrl-C"
    assert demo.left() == [], "files outlive Ctrl-C"
    assert not demo.out.exists(), "there is a report of what never ended"
    assert process.stderr is not None
    assert "Ctrl-C" in process.stderr.read(), "it says why it ended"


def test_children_die_with_a_demo_that_is_killed(demo: Demo) -> None:
    process = demo.start()
    eventually(lambda: len(demo.processes()) > 1, "the demonstration has started a process", 60)
    process.kill()
    process.wait(10)
    eventually(lambda: demo.processes() == [], "its processes have ended with it", 20)
