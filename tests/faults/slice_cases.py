"""Every fault of the slice as a case that a process of its own can run: the story, one fault, the checker."""

import shutil
import tempfile
import traceback
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from aloft.kit.faults import Address, Crash, Fail, Fault, Faults
from aloft.kit.faults.plan import When
from tests.slice.story import Story
from tests.slice.world import templates, world

WHENS: tuple[When, ...] = ("before", "after")
SHARED_MEMORY = Path("/dev/shm")
"""The cases test order, not the disk: fsync would be most of their time."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one case; `problem` is empty where everything held."""

    case: str
    problem: str


@contextmanager
def scratch() -> Iterator[Path]:
    """Make a folder in memory where there is one, and remove it."""
    parent = SHARED_MEMORY if SHARED_MEMORY.is_dir() else None
    folder = Path(tempfile.mkdtemp(prefix="aloft-slice-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def addresses(folder: Path, template: Path) -> list[Address]:
    """Tell the story undisturbed and list every port call of it."""
    faults = Faults()
    with world(folder, template, faults) as undisturbed:
        story = Story(undisturbed)
        story.tell()
        story.check()
        assert not undisturbed.errors, f"the undisturbed story saw errors: {undisturbed.errors}"
    # Images are read by several threads: their calls are the same in every run, the order among them is not.
    return sorted(faults.calls, key=str)


def cases(calls: list[Address]) -> list[Fault]:
    """Fail and crash, before and after each call."""
    return [Fault(call, when, what) for call in calls for when in WHENS for what in (Fail(), Crash)]


def run_case(fault: Fault, template: Path) -> Outcome:
    """Tell the story with one fault and let the checker read what is left."""
    faults = Faults()
    faults.arm(fault)
    with scratch() as folder:
        try:
            with world(folder / "world", template, faults) as disturbed:
                story = Story(disturbed)
                story.tell()
                story.check()
        except Exception:  # noqa: BLE001 - whatever broke is the outcome of the case
            return Outcome(str(fault), traceback.format_exc(limit=-4))
    return Outcome(str(fault), "" if faults.fired == fault else "the call that it was for was never made")


def run_cases(faults: list[Fault], template: Path, processes: int) -> Iterator[Outcome]:
    """Run cases in processes of their own, and give each outcome as it comes."""
    context = get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        yield from pool.map(run_case, faults, [template] * len(faults), chunksize=8)


__all__ = ["Outcome", "addresses", "cases", "run_case", "run_cases", "scratch", "templates"]
