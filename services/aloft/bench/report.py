"""The one shape that every bench answers in."""

import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def report(
    bench: str, size: Mapping[str, Any], figures: Mapping[str, float], ratios: Mapping[str, float]
) -> dict[str, Any]:
    """Put a bench's answer together."""
    return {
        "bench": bench,
        "machine": machine(),
        "size": dict(size),
        "figures": {name: round(value, 3) for name, value in figures.items()},
        "ratios": {name: round(value, 3) for name, value in ratios.items()},
    }


def machine() -> dict[str, Any]:
    """Describe where it was measured."""
    return {
        "cpu": _first("/proc/cpuinfo", "model name"),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def percentile(values: Sequence[float], percent: float) -> float:
    """Say the smallest value that at least `percent` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100).__int__() - 1)]


def _first(path: str, name: str) -> str:
    lines = Path(path).read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "unknown")
