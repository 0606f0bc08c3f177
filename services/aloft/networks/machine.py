"""Which device computes, and what makes it compute the same bits twice."""

from contextlib import AbstractContextManager, nullcontext

import torch

from aloft.networks.errors import NoSuchDevice

_SAFE_SIDE = 64
"""Pixels from which on no network shrinks an image to less than a convolution's kernel reaches over: then
oneDNN's gradient in bfloat16 reads memory that nobody wrote (3 × 3 with a stride of 2 on one pixel; 5 × 5 on
one; 7 × 7 on two)."""


def choose_device(setting: str = "auto") -> torch.device:
    """Take the device that a setting names; `auto` is the first accelerator, or else the CPU."""
    if setting == "auto":
        return torch.device("cuda") if torch.cuda.is_available() else torch.device("cpu")
    try:
        device = torch.device(setting)
    except RuntimeError as error:
        raise NoSuchDevice(f"{setting!r} is no device: give auto, cpu, cuda or cuda:NUMBER") from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise NoSuchDevice(f"{setting}: there is no such GPU here, or no driver for it; give auto or cpu")
    return device


def precision(device: torch.device) -> AbstractContextManager[object]:
    """Compute in bfloat16 on a GPU, where a layer bears it; in single precision elsewhere."""
    return torch.autocast("cuda", torch.bfloat16) if device.type == "cuda" else nullcontext()


def training_precision(images: torch.Tensor) -> AbstractContextManager[object]:
    """Compute in bfloat16 on a CPU too, if it multiplies it: a step takes two thirds of the time.

    Training may, and features may not: those of one version are compared with one another, and a serving
    machine is checked by them.
    """
    if images.device.type != "cpu":
        return precision(images.device)
    able: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()  # older torch does not say
    fast = able.get("avx512_bf16") or able.get("amx_bf16")
    return torch.autocast("cpu", torch.bfloat16, enabled=bool(fast) and min(images.shape[-2:]) >= _SAFE_SIDE)


def deterministic(threads: int = 0) -> None:
    """Have the same weights and images give the same features, bit for bit, on one machine.

    On the CPU sums are split among threads, so the bits hang on their number too: give the same `threads`
    (0: as many as there are cores) to have the same bits. Other kinds of processor may round differently.
    """
    if threads:
        torch.set_num_threads(threads)
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
