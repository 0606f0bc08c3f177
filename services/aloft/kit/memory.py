"""How this process keeps memory that was freed: for the next tensor, or for the kernel.

A step of training takes and frees the same large blocks again and again, and so does a ranking, shard by
shard. The C library gives such blocks back at once, and the kernel clears each page anew when it is next
touched: more than a third of a training step's time on a CPU, and half of scoring's.
"""

import ctypes
from typing import Any

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_LARGEST_KEPT = 1 << 30
"""Longer blocks are arrays of images or features rather than a step's tensors: they go back at once."""

_held = False


def hold_freed() -> None:
    """Keep what is freed until `give_back`. Before a thread begins: then they share one heap."""
    global _held
    library = _library()
    if library is None:
        return
    # Heaps of other threads hold no block above 64 MB.
    library.mallopt(_M_ARENA_MAX, 1)
    library.mallopt(_M_TRIM_THRESHOLD, -1)
    library.mallopt(_M_MMAP_THRESHOLD, _LARGEST_KEPT)
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
