"""Reads images ahead in threads, in their order and in bounded memory."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from aloft.pool_images.reader import PoolImage, Rejected

Read = NDArray[np.float32] | Rejected


def read_ahead(
    images: Iterable[PoolImage], read: Callable[[PoolImage], Read], threads: int
) -> Generator[Read, None, None]:
    """Read images in their order. `images` is drawn from only a few images a thread ahead."""
    with ThreadPoolExecutor(threads, thread_name_prefix="images") as pool:
        waiting: deque[Future[Read]] = deque()
        try:
            for image in images:
                waiting.append(pool.submit(read, image))
                if len(waiting) >= 4 * threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            # Nobody will use what is still queued; what is being read is waited for.
            pool.shutdown(wait=True, cancel_futures=True)
