"""Does the parts of a work on all cores, with one thread for each product of matrices in them."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

Part = TypeVar("Part")
Result = TypeVar("Result")

_LIMITED = Lock()
"""Held by the one call that has limited products, whoever else calls meanwhile."""


def each(work: Callable[[Part], Result], parts: Iterable[Part]) -> list[Result]:
    """Do the parts of a work, and give what came of them in their order."""
    parts = list(parts)
    cores = min(len(os.sched_getaffinity(0)), len(parts))
    left = iter(range(len(parts)))
    done: dict[int, Result] = {}

    def some() -> None:
        try:
            for number in left:
                done[number] = work(parts[number])
        except BaseException:
            deque(left, maxlen=0)  # nobody begins another
            raise

    if cores < 2:
        some()
    else:
        # Products that ask for all cores each wait for one another: on two, small ones took twice as long.
        with _one_thread_a_product():
            others = [_threads(os.getpid()).submit(some) for _ in range(cores - 1)]
            try:
                some()
            finally:
                wait(other for other in others if not other.cancel())
        for other in others:
            if not other.cancelled():
                other.result()
    return [done[number] for number in range(len(parts))]


@contextmanager
def _one_thread_a_product() -> Iterator[None]:
    # Of two limits that overlap the second would put back what the first had limited, for good.
    if not _LIMITED.acquire(blocking=False):
        yield
        return
    try:
        with _products().limit(limits=1, user_api="blas"):
            yield
    finally:
        _LIMITED.release()


@cache
def _threads(process: int) -> ThreadPoolExecutor:
    """Keep threads, which do not outlive a fork: to start them took longer than many a work."""
    return ThreadPoolExecutor(os.cpu_count(), "strategies")


@cache
def _products() -> "ThreadpoolController":
    from threadpoolctl import ThreadpoolController  # only here: it looks at every library that is loaded

    return ThreadpoolController()
