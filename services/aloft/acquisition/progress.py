"""Tells a job's lease how far a pass over a pool is, now and then."""

import time
from collections.abc import Callable

from aloft.kit.errors import FailedPrecondition
from aloft.kit.jobs import Lease

Alive = Callable[[int, int], None]
"""Told how many images have been read, of how many."""

_TELL_EVERY_S = 2.0
"""How often a running job says how far it is."""


def telling(lease: Lease, stage: str, most_s: float | None = None) -> Alive:
    """Make what tells it. After `most_s` seconds the work is given up: nobody waits for ever."""
    begun = told = time.monotonic()

    def alive(done: int, total: int) -> None:
        nonlocal told
        now = time.monotonic()
        if most_s is not None and now - begun > most_s:
            raise FailedPrecondition(
                "TOOK_TOO_LONG",
                f"given up after {most_s:.0f} s, with {done} of {total} images read: ask for a smaller size"
                " or another strategy, or raise ALOFT_RANKING__PREVIEW_S",
            )
        if now - told >= _TELL_EVERY_S:
            lease.heartbeat(done=done, total=total, stage=stage)
            told = now

    return alive
