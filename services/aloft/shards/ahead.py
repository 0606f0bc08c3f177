"""Reads what comes next while what came last is worked on: a store makes its reader wait."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")


def in_order(tasks: Iterable[Callable[[], Result]], ahead: int) -> Iterator[Result]:
    """Give the results in the order of the tasks, `ahead` of them under way or waiting to be taken."""
    under_way: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(ahead, thread_name_prefix="ahead") as threads:
        try:
            for task in tasks:
                under_way.append(threads.submit(task))
                if len(under_way) > ahead:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        finally:
            for future in under_way:
                future.cancel()
