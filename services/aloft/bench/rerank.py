"""Re-ranking a pool from a real object store, and selecting from all of it in memory."""

import shutil
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from aloft import strategies as catalogue
from aloft.bench import rerank_bare, rerank_ours, rerank_pool, rerank_whole
from aloft.bench.child import apart
from aloft.bench.progress import Progress, unheard
from aloft.bench.report import report
from aloft.bench.rerank_pool import Place, Size
from aloft.bench.rerank_source import MIXTURE, Source, source
from aloft.bench.servers import store
from aloft.kit.objects.s3 import S3Objects
from aloft.shards import Manifest

WHOLE = ("kcenter", "badge")
"""Strategies that compare every image with every pick: measured in memory."""
STRATEGIES = ("mge+kmeans", "centroids", "typiclust", "herding", *WHOLE)
"""What is measured unless it is said."""

Told = tuple[dict[str, float], dict[str, float]]
"""Figures and ratios."""


def run(
    *,
    size: Size,
    strategies: Sequence[str] = STRATEGIES,
    features: str = MIXTURE,
    at: str | None = None,
    rounds: int = 3,
    progress: Progress = unheard,
) -> dict[str, Any]:
    """Measure. `at` is the URL of a store with its keys; MinIO is started where none is given."""
    for name in strategies:
        catalogue.check(name, "strategy")
    rows = source(features, size.feature_size)
    size = replace(size, feature_size=rows.feature_size)
    from_store = [name for name in strategies if name not in WHOLE]
    in_memory = [name for name in strategies if name in WHOLE]
    told: list[Told] = []
    if from_store:
        with laid(size, rows, at, progress) as (where, manifest):
            told += [_from_store(where, manifest, name, size.batch, rounds, progress) for name in from_store]
    if in_memory:
        told.append(_in_memory(size, rows, in_memory, progress))
    figures, ratios = ({k: v for each in told for k, v in each[part].items()} for part in (0, 1))
    return report("rerank", {**asdict(size), "features": features, "rounds": rounds}, figures, ratios)


@contextmanager
def laid(size: Size, rows: Source, at: str | None, progress: Progress) -> Iterator[tuple[Place, Manifest]]:
    """Lay a pool down in a store, for the block."""
    if at is None:
        check_room(size.stored_bytes)
    with store(at) as config, rerank_pool.bucket(config):
        objects = S3Objects(config, rerank_pool.BUCKET)
        try:
            manifest = rerank_pool.lay(objects, size, rows, progress)
            yield rerank_pool.place(config, objects, manifest, size.images), manifest
        finally:
            objects.close()


def check_room(wanted: int) -> None:
    """Refuse to fill a disk."""
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    if wanted * 1.1 > free:
        raise ValueError(
            f"images: their features take {wanted / 1e9:.1f} GB and {folder} has {free / 1e9:.1f} GB free; "
            "measure fewer images, or set TMPDIR to a larger disk"
        )


def _from_store(
    where: Place, manifest: Manifest, name: str, batch: int, rounds: int, progress: Progress
) -> Told:
    """Time a strategy and beside it, in turns, the bare reads of what it reads."""
    needs = catalogue.load(name).needs
    scored = [shard.logits.key for shard in manifest.shards if shard.logits]
    passed = [shard.key for shard in manifest.shards] if needs.features else scored
    ours, bare, bare_ranges = [], [], []
    for number in range(rounds):
        progress(number, rounds, name)
        # All in processes of their own: a process that has read before has its memory and reads quicker.
        whole = [(key, None) for key in passed]
        bare.append(apart(rerank_bare.seconds, where.store, whole, rerank_bare.SHARDS_AT_ONCE))
        ours.append(apart(rerank_ours.rerank, where, name, batch))
        ranges = ours[-1].ranges
        bare_ranges.append(apart(rerank_bare.seconds, where.store, ranges, rerank_bare.RANGES_AT_ONCE))
    progress(rounds, rounds, name)
    middle = statistics.median
    before = "" if name == STRATEGIES[0] else f"{name}_"
    figures = {
        f"{before}rerank_seconds": middle(each.all_s for each in ours),
        f"{before}scoring_seconds": middle(each.rank_s for each in ours),
        f"{before}bare_scoring_seconds": middle(bare),
        f"{before}peak_bytes": max(each.peak_bytes for each in ours),
    }
    ratios = {f"{before}scoring": middle(each.rank_s for each in ours) / middle(bare)}
    if not ours[0].ranges:
        return figures, ratios
    candidates_s = middle(each.candidates_s for each in ours)
    rest_s = middle(each.select_s - each.candidates_s for each in ours)
    clustering_s = middle(each.clustering_s for each in ours)
    figures |= {
        f"{before}candidates_seconds": candidates_s,
        f"{before}bare_candidates_seconds": middle(bare_ranges),
        f"{before}candidates_requests": max(each.requests for each in ours),
        f"{before}clustering_seconds": rest_s,
        f"{before}bare_clustering_seconds": clustering_s,
    }
    return figures, ratios | {
        f"{before}candidates": candidates_s / middle(bare_ranges),
        f"{before}clustering": rest_s / clustering_s,
    }


def _in_memory(size: Size, rows: Source, names: Sequence[str], progress: Progress) -> Told:
    """Time strategies over all features beside one bare read of them for each pick."""
    check_room(size.feature_bytes)
    figures: dict[str, float] = {}
    ratios: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="aloft-bench-") as folder:
        path = Path(folder) / "features"
        progress(0, 1, "writing features")
        rerank_whole.write(path, size, rows)
        read_s = apart(rerank_whole.bare_read_s, path)
        figures["bare_feature_read_seconds"] = read_s
        progress(1, 1, "writing features")
        for name in names:
            progress(0, 1, name)
            took = apart(rerank_whole.select, path, size, name)
            figures |= {
                f"{name}_seconds": took.seconds,
                f"{name}_from_file_seconds": took.from_file_seconds,
                f"{name}_peak_bytes": took.peak_bytes,
            }
            ratios |= {
                name: took.seconds / (size.batch * read_s),
                f"{name}_from_file": took.from_file_seconds / (size.batch * read_s),
                f"{name}_memory": took.peak_bytes / size.feature_bytes,
            }
            progress(1, 1, name)
    return figures, ratios
