"""Ports of this machine that nothing listens on."""

import random
import socket
from collections.abc import Sequence

from aloft.demo.children import DemoFailed


def free_base(offsets: Sequence[int], tries: int = 200) -> int:
    """Find a port that is free, and so far above it others, below those that the kernel gives to clients."""
    for _ in range(tries):
        base = random.randrange(20_000, 32_000)
        if all(_free(base + offset) for offset in offsets):
            return base
    raise DemoFailed("no free ports between 20000 and 32000 on 127.0.0.1")


def _free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
