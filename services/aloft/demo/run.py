"""Puts a demonstration together and takes it apart again, whatever happens in between."""

import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
from rich.console import Console

from aloft.demo.children import DemoFailed
from aloft.demo.embedded import Embedded
from aloft.demo.interruption import Interruption
from aloft.demo.outcome import Outcome
from aloft.demo.plan import Plan, Rooms
from aloft.demo.play import Play
from aloft.demo.screen import screen
from aloft.demo.stage import Stage
from aloft.demo.system import System
from aloft.kit.errors import AloftError
from aloft.kit.rpc.channel import error_of

if TYPE_CHECKING:
    from aloft.demo.real.lending import Lender

HASTE = {
    # Nobody routes calls to these services, so nobody needs time to turn away.
    "ALOFT_RPC__DRAIN_DELAY_S": "0",
    "ALOFT_RPC__DRAIN_S": "2",
    "ALOFT_TELEMETRY__LOG_LEVEL": "warning",
    # Both arms train at once, each on one thread: a step of so small a network is over before a second
    # thread has joined in, and threads of two teams that wait for one another would sleep between steps.
    # Nothing else is at work during pre-training, whose batches are larger.
    "ALOFT_RUNS__WORKERS": "2",
    "ALOFT_RUNS__TORCH_THREADS": "1",
}


def perform(
    plan: Plan, env: Mapping[str, str], keep: Path | None, console: Console, lender: "Lender | None" = None
) -> Outcome:
    """Run the demonstration, on servers if there is somebody who lends them.

    However it ends, no process is left, and nothing that it made unless it is to be kept.
    """
    began = time.monotonic()
    interruption = Interruption()

    def clock() -> float:
        return time.monotonic() - began

    def say(sentence: str) -> None:
        console.print(sentence, markup=False, soft_wrap=True)

    trust = lender.trust if lender else {}
    with (
        interruption.listening(),
        _rooms({**env, **HASTE, **trust}, keep) as rooms,
        lender.lent(rooms, interruption.check, say) if lender else _embedded(rooms) as system,
        Stage(rooms, system, interruption) as stage,
        interruption.raising(),
    ):
        plan = replace(plan, prefix=system.prefix)
        shown = screen(console, plan, clock)
        try:
            return Play(plan, rooms, stage, shown, clock).run()
        except (DemoFailed, AloftError, grpc.RpcError) as failure:
            raise DemoFailed(_sentence(stage, failure), stage.tails()) from failure
        finally:
            shown.close()


@contextmanager
def _embedded(rooms: Rooms) -> Iterator[System]:
    yield Embedded(rooms)


@contextmanager
def _rooms(env: Mapping[str, str], keep: Path | None) -> Iterator[Rooms]:
    if keep is not None:
        keep.mkdir(parents=True)
        yield _furnished(keep.resolve(), env, kept=True)
        return
    folder = Path(tempfile.mkdtemp(prefix="aloft-demo-"))
    try:
        yield _furnished(folder, env, kept=False)
    finally:
        shutil.rmtree(folder)


def _furnished(folder: Path, env: Mapping[str, str], *, kept: bool) -> Rooms:
    # Libraries leave caches where temporary files go; those of this run go with it.
    temporary = folder / "tmp"
    temporary.mkdir()
    return Rooms(folder, {**env, "TMPDIR": str(temporary)}, kept)


def _sentence(stage: Stage, failure: Exception) -> str:
    """Say what failed; that a process has ended says more than the call that found nobody."""
    try:
        stage.check()
    except DemoFailed as ended:
        return str(ended)
    if isinstance(failure, grpc.RpcError):
        failure = error_of(failure)
    return f"{failure.reason}: {failure.message}" if isinstance(failure, AloftError) else str(failure)
