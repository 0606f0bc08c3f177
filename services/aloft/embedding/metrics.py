"""Counts what embedding does, and where its time goes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import Counter

from aloft.pool_images import Reason

IMAGES = Counter("aloft_embedding_images", "Images whose features were written.")
NOT_FINITE = Counter(
    "aloft_embedding_not_finite", "Images with features that are not finite, which no strategy can score."
)
SCORED = Counter("aloft_embedding_scored", "Images whose logits were written.")
DAMAGED = Counter(
    "aloft_embedding_damaged_shards", "Shards that are made anew: they were not what was written."
)
UNUSABLE = Counter(
    "aloft_embedding_unusable_artefacts", "Times that a version's artefact was not what was published."
)
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
