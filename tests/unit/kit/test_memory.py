"""Freed memory is kept for the next tensor, and given back after the work."""

import subprocess
import sys

import pytest

PAGES = 64 * 1024 * 1024 // 4096
"""Of a block that is as long as the largest of a training step."""

PROGRAM = """
import resource, sys, threading
from aloft.kit import memory

if sys.argv[1] == "held":
    memory.hold_freed()

def take_and_free():
    for _ in range(2):
        b"1" * (64 * 1024 * 1024)

def faults(work):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    work()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def resident():
    with open("/proc/self/statm") as opened:
        return int(opened.read().split()[1])

def run():
    take_and_free()
    print(faults(take_and_free), end=" ")
    before = resident()
    memory.give_back()
    print(before - resident())

thread = threading.Thread(target=run)
thread.start()
thread.join()
"""


def measured(how: str) -> tuple[int, int]:
    """Say how many pages were cleared for a second round of the same blocks, and how many went back after."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, how], capture_output=True, text=True, env={}, check=False
    )
    assert done.returncode == 0, done.stderr
    faults, returned = map(int, done.stdout.split())
    return faults, returned


@pytest.mark.skipif(sys.platform != "linux", reason="the GNU C library's allocator")
def test_blocks_are_used_again_and_given_back_in_the_end() -> None:
    """What another thread than the first takes and frees costs the kernel nothing the second time."""
    faults, returned = measured("held")

    assert faults < PAGES / 10, f"{faults} pages were cleared again for blocks that had just been freed"
    assert returned > PAGES / 2, f"{returned} pages went back when the work was done"


@pytest.mark.skipif(sys.platform != "linux", reason="the GNU C library's allocator")
def test_without_it_each_block_is_cleared_again() -> None:
    """The reason for it; when this fails, the library has learned it, and ours can go."""
    faults, _ = measured("left")

    assert faults > PAGES
