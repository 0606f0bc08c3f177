"""How this process keeps memory that was freed: for the next tensor, or for the kernel.

A step of training takes and frees the same large blocks again and again, and so does a ranking, shard by
shard. The C library gives such blocks back at once, and the kernel clears each page anew when it is next
touched: more than a third of a training step's time on a CPU, and half of scoring's.
"""

import ctypes
from typing import Any

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
TENSORS = 1 << 30
"""Blocks of a training step are shorter; longer ones are arrays of images or features."""
SHARDS = 1 << 25
"""What is computed of a shard is shorter; longer ones are arrays of a whole pool, which grow best apart."""

_held = False


def hold_freed(longest: int = TENSORS) -> None:
    """Keep blocks that are freed until `give_back`. Before a thread begins: then they share one heap."""
    global _held
    library = _library()
    if library is None:
        return
    # Heaps of other threads hold no block above 64 MB.
    library.mallopt(_M_ARENA_MAX, 1)
    library.mallopt(_M_TRIM_THRESHOLD, -1)
    library.mallopt(_M_MMAP_THRESHOLD, longest)
    _held = True


def give_back() -> None:
    """Give the kernel what is held, once work that needed much is done."""
    library = _library() if _held else None
    if library is not None:
        library.malloc_trim(0)


def _library() -> Any:
    library = ctypes.CDLL(None)
    # The GNU library has both; others, which have neither, keep memory in ways of their own.
    return library if hasattr(library, "mallopt") and hasattr(library, "malloc_trim") else None
