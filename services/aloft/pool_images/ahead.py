"""Reads images ahead in threads, in their order and in bounded memory."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from aloft.pool_images.reader import PoolImage, Rejected

Result = NDArray[np.float32] | Rejected
Read = Callable[[PoolImage], Result]


def read_ahead(
    images: Iterable[PoolImage], read: Read, threads: int, ahead: int | None = None
) -> Generator[tuple[PoolImage, Result], None, None]:
    """Read images in their order. `images` is drawn from at most `ahead` images further, or four a thread."""
    most = 4 * threads if ahead is None else ahead
    with ThreadPoolExecutor(threads, thread_name_prefix="images") as pool:
        waiting: deque[tuple[PoolImage, Future[Result]]] = deque()
        try:
            for image in images:
                waiting.append((image, pool.submit(read, image)))
                if len(waiting) >= most:
                    first, result = waiting.popleft()
                    yield first, result.result()
            while waiting:
                first, result = waiting.popleft()
                yield first, result.result()
        finally:
            # Nobody will use what is still queued; what is being read is waited for.
            pool.shutdown(wait=True, cancel_futures=True)
