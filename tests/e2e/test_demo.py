"""`aloft demo` as a person runs it: it shows the loop, and whatever happens to it, nothing of it stays."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.demonstration import Demo
from tests.e2e.program import eventually


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    """A run that has not begun. A test that fails leaves nothing of it either."""
    # What the user's own services are told is none of its business.
    one = Demo(tmp_path / "tmp", {"ALOFT_BUS__KIND": "kafka"})
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
    later = "class_balanced(margin)+kcenter"
    assert strategies == ["kcenter", later], "it starts cold, and goes on with what it learned"
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
