"""Which device computes, and what makes it compute the same bits twice."""

from contextlib import AbstractContextManager, nullcontext

import torch


def choose_device(setting: str = "auto") -> torch.device:
    """Take the device that a setting names; `auto` is the first accelerator, or else the CPU."""
    if setting != "auto":
        return torch.device(setting)
    return torch.device("cuda") if torch.cuda.is_available() else torch.device("cpu")


def precision(device: torch.device) -> AbstractContextManager[object]:
    """Compute in bfloat16 on a GPU, where a layer bears it; in single precision elsewhere."""
    return torch.autocast("cuda", torch.bfloat16) if device.type == "cuda" else nullcontext()


def deterministic(threads: int = 0) -> None:
    """Have the same weights and images give the same features, bit for bit, on one machine.

    On the CPU sums are split among threads, so the bits hang on their number too: give the same `threads`
    (0: as many as there are cores) to have the same bits. Other kinds of processor may round differently.
    """
    if threads:
        torch.set_num_threads(threads)
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
