"""The least that the reading of a re-rank can cost: the same bytes from the same store, and nothing more."""

import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from minio import Minio

from aloft.bench.rerank_pool import BUCKET
from aloft.kit.objects.port import ByteRange
from aloft.kit.objects.s3_config import S3Config
from aloft.kit.objects.s3_connection import client, connections

SHARDS_AT_ONCE, RANGES_AT_ONCE = 4, 8
"""As many requests at once as acquisition's own reading has under way."""

Read = tuple[str, ByteRange | None]
"""A key, and which bytes of it: all where none are said."""


def seconds(store: S3Config, reads: Iterable[Read], readers: int) -> float:
    """Time reading all of it with so many requests at once."""
    waiting = list(reads)
    http = connections(store)
    asking = client(store, store.endpoint, http)
    try:
        with ThreadPoolExecutor(readers, thread_name_prefix="bare") as threads:
            started = time.perf_counter()
            list(threads.map(lambda read: _read(asking, *read), waiting))
            return time.perf_counter() - started
    finally:
        http.clear()


def _read(asking: Minio, key: str, span: ByteRange | None) -> None:
    if span is None:
        answer = asking.get_object(BUCKET, key)
    else:
        answer = asking.get_object(BUCKET, key, offset=span.start, length=span.length)
    try:
        answer.read(decode_content=False)
    finally:
        answer.close()
        answer.release_conn()
