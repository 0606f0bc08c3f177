"""A bus of each adapter that a test has to itself."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aloft.kit.bus import Bus
from aloft.kit.bus.embedded import EmbeddedBus
from aloft.kit.bus.kafka import KafkaBus
from aloft.kit.bus.kafka_config import KafkaConfig

ADAPTERS = ["embedded", "kafka"]


@contextmanager
def broker(folder: Path, bootstrap: str | None) -> Iterator[Bus]:
    """Open a bus: on the broker, under a prefix that nobody else uses, or in a file."""
    bus: Bus
    if bootstrap is None:
        bus = EmbeddedBus(folder / "bus.db")
    else:
        bus = KafkaBus(kafka_config(bootstrap, f"t{uuid.uuid4().hex[:8]}."))
    try:
        yield bus
    finally:
        bus.close()


def kafka_config(bootstrap: str, prefix: str) -> KafkaConfig:
    """Say how tests reach a broker."""
    return KafkaConfig(
        bootstrap_servers=(bootstrap,), topic_prefix=prefix, session_timeout_s=6.0, partitions=3
    )
