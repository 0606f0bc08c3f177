"""Counts what embedding does, and where its time goes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import Counter

from aloft.embedding.domain import Reason

IMAGES = Counter("aloft_embedding_images", "Images whose features were written.")
QUARANTINED = Counter("aloft_embedding_quarantined", "Images found to be unusable.", ["reason"])
SECONDS = Counter(
    "aloft_embedding_seconds",
    "Seconds in each stage; reading and preprocessing run in several threads.",
    ["stage"],
)

for _reason in Reason:
    QUARANTINED.labels(_reason.value)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Add the time that the block takes to a stage."""
    started = time.perf_counter()
    try:
        yield
    finally:
        SECONDS.labels(name).inc(time.perf_counter() - started)
