"""Runs a piece of work in a process of its own, so that its memory is nobody else's."""

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from aloft.kit import memory


class ChildFailed(RuntimeError):
    """The work ended without an answer."""


def peak_bytes() -> int:
    """Say how much memory this process held at most.

    What `getrusage` tells of a child includes what the parent held when it was forked; this does not.
    """
    return _status("VmHWM")


def held_bytes() -> int:
    """Say how much memory this process holds, and count its peak from here on."""
    Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def apart(work: Callable[..., Any], *told: Any) -> Any:
    """Call `work` in a fresh process and return what it returns."""
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe(duplex=False)
    process = spawn.Process(target=_answer, args=(there, work, told), daemon=True)
    process.start()
    there.close()
    try:
        return here.recv()
    except EOFError as ended:
        process.join()
        raise ChildFailed(
            f"{work.__name__} ended with code {process.exitcode} and no answer; standard error says why"
        ) from ended
    finally:
        here.close()
        process.join()


def _answer(there: Connection, work: Callable[..., Any], told: tuple[Any, ...]) -> None:
    memory.hold_freed(memory.SHARDS)  # as acquisition does
    there.send(work(*told))


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))
