"""Does the parts of a work on all cores, with one thread for each product of matrices in them."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

Part = TypeVar("Part")
Result = TypeVar("Result")


def each(work: Callable[[Part], Result], parts: Iterable[Part]) -> list[Result]:
    """Do the parts of a work, and give what came of them in their order."""
    parts = list(parts)
    cores = len(os.sched_getaffinity(0))
    if len(parts) < 2 or cores < 2:
        return [work(part) for part in parts]
    # Products that each ask for all cores wait for one another: on two cores small ones took twice as long.
    with _threads().limit(limits=1, user_api="blas"), ThreadPoolExecutor(cores) as threads:
        return list(threads.map(work, parts))


@cache
def _threads() -> "ThreadpoolController":
    from threadpoolctl import ThreadpoolController  # only here: it looks at every library that is loaded

    return ThreadpoolController()
