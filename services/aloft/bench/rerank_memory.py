"""How much memory each strategy takes as the pool doubles."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from aloft import strategies as catalogue
from aloft.bench import rerank_ours, rerank_pool
from aloft.bench.child import apart
from aloft.bench.progress import Progress, unheard
from aloft.bench.report import report
from aloft.bench.rerank import STRATEGIES, laid
from aloft.bench.rerank_pool import Size
from aloft.bench.rerank_source import MIXTURE, source
from aloft.kit.objects.s3 import S3Objects

DOUBLINGS = 2


def run(
    *,
    size: Size,
    strategies: Sequence[str] = STRATEGIES,
    features: str = MIXTURE,
    at: str | None = None,
    progress: Progress = unheard,
) -> dict[str, Any]:
    """Re-rank a quarter, a half and all of a pool.

    The ratio is the memory that an image of the last half adds, in the bytes of its features: 0 where memory
    stays flat, 1 where the features are held once.
    """
    for name in strategies:
        catalogue.check(name, "strategy")
    rows = source(features, size.feature_size)
    size = replace(size, feature_size=rows.feature_size)
    figures: dict[str, float] = {}
    ratios: dict[str, float] = {}
    with laid(size, rows, at, progress) as (whole, manifest):
        objects = S3Objects(whole.store, rerank_pool.BUCKET)
        counts = [size.images >> halved for halved in range(DOUBLINGS, -1, -1)]
        places = [rerank_pool.place(whole.store, objects, manifest, count) for count in counts]
        objects.close()
        for name in strategies:
            peaks = []
            for number, place in enumerate(places):
                progress(number, len(places), name)
                peaks.append(apart(rerank_ours.rerank, place, name, size.batch).peak_bytes)
            progress(len(places), len(places), name)
            figures |= {f"{name}_peak_bytes_at_{n}": peak for n, peak in zip(counts, peaks, strict=True)}
            added = (peaks[-1] - peaks[-2]) / (counts[-1] - counts[-2])
            ratios[f"{name}_added_features"] = added / (2 * size.feature_size)
    return report("rerank-memory", {**asdict(size), "features": features}, figures, ratios)
