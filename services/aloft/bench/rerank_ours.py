"""A re-rank as acquisition does it, from the manifest to the picks, and where its time goes."""

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field

import numpy as np
from prometheus_client import REGISTRY

from aloft import strategies
from aloft.acquisition.embedded_pool import EmbeddedPool
from aloft.acquisition.sources import Sources
from aloft.bench.child import peak_bytes
from aloft.bench.rerank_bare import Read
from aloft.bench.rerank_pool import BUCKET, Place
from aloft.bench.rerank_shared import SharedFeatures
from aloft.kit.objects.port import GAP, ByteRange, Objects
from aloft.kit.objects.s3 import S3Objects
from aloft.kit.objects.spans import coalesce
from aloft.shards import Manifest, read_manifest
from aloft.strategies.pool import Block, Earlier, Features, Ids, Known, Pool

SEED = 0


@dataclass(frozen=True, slots=True)
class Reranked:
    """What one re-rank took."""

    rank_s: float
    select_s: float
    candidates_s: float
    """Of selecting, what reading candidates took."""
    requests: int
    """Requests for ranges of features."""
    ranges: tuple[Read, ...]
    """The same ranges as they travelled."""
    picks: int
    peak_bytes: int
    clustering_s: float = 0.0
    """Bare k-means over the same candidates, with as many centres and iterations."""

    @property
    def all_s(self) -> float:
        """The whole."""
        return self.rank_s + self.select_s


class RecordedObjects(SharedFeatures):
    """A store that notes the ranges of features that it is asked for, joined as they travel."""

    def __init__(self, objects: Objects, manifest: Manifest, distinct: int) -> None:
        super().__init__(objects, manifest, distinct)
        self.read: list[Read] = []

    def ranges(self, key: str, ranges: Sequence[ByteRange], *, gap: int = GAP) -> list[bytes]:
        """Note and pass on."""
        if not self.is_head(key, ranges):
            self.read += [(self.holder(key), span) for span in coalesce(ranges, gap)]
        return super().ranges(key, ranges, gap=gap)


@dataclass
class TimedPool:
    """A pool that notes how long it takes to read candidates."""

    pool: Pool
    seconds: float = 0.0
    candidates: list[Features] = field(default_factory=list)

    @property
    def known(self) -> Known:
        """Pass on."""
        return self.pool.known

    @property
    def most(self) -> int:
        """Pass on."""
        return self.pool.most

    def blocks(self) -> Iterator[Block]:
        """Pass on."""
        return self.pool.blocks()

    def features_of(self, images: Ids) -> Features:
        """Note and pass on."""
        started = time.perf_counter()
        found = self.pool.features_of(images)
        self.seconds += time.perf_counter() - started
        self.candidates.append(found)
        return found

    def covered(self) -> Features:
        """Pass on."""
        return self.pool.covered()

    def earlier(self) -> Earlier | None:
        """Pass on."""
        return self.pool.earlier()


def rerank(where: Place, expression: str, batch: int) -> Reranked:
    """Rank a pool and select from it, as a job of acquisition does between its transactions."""
    strategy = strategies.load(expression)
    if strategy.needs.candidates or strategy.needs.features:
        import faiss  # noqa: F401 - a service has it loaded from its first job on
    with closing(S3Objects(where.store, BUCKET)) as objects:
        manifest = read_manifest(objects, *where.manifest)
        recorded = RecordedObjects(objects, manifest, where.distinct)
        sources = Sources(where.manifest, (), (), 0, {}, None)
        pool = TimedPool(EmbeddedPool(recorded, manifest, strategy.needs, sources, lambda done, total: None))
        started = time.perf_counter()
        ranked = strategy.rank(pool, batch, SEED)
        rank_s = time.perf_counter() - started
        asked = _range_requests()
        picks = strategy.select(pool, ranked, batch, SEED)
        select_s = time.perf_counter() - started - rank_s
        requests, peak = _range_requests() - asked, peak_bytes()
    clustering_s = _clustering(pool.candidates, batch)
    ranges = tuple(recorded.read)
    return Reranked(rank_s, select_s, pool.seconds, requests, ranges, len(picks), peak, clustering_s)


def _range_requests() -> int:
    return int(REGISTRY.get_sample_value("aloft_objects_requests_total", {"operation": "range"}) or 0)


def _clustering(candidates: Sequence[Features], k: int) -> float:
    """Time faiss' k-means as it stands."""
    if not candidates or sum(map(len, candidates)) <= k:
        return 0.0
    import faiss

    from aloft.strategies.kmeans import ITERATIONS

    rows = np.concatenate(candidates).astype(np.float32)
    bare = faiss.Kmeans(rows.shape[1], k, niter=ITERATIONS, min_points_per_centroid=1)
    started = time.perf_counter()
    bare.train(rows)
    return time.perf_counter() - started
