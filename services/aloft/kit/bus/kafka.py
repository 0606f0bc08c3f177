"""Kafka behind the port, through kafka-python."""

import logging
import threading
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer
from kafka.consumer.subscription_state import ConsumerRebalanceListener
from kafka.errors import (
    CommitFailedError,
    IllegalGenerationError,
    RebalanceInProgressError,
    TopicAlreadyExistsError,
    UnknownMemberIdError,
)
from kafka.structs import OffsetAndMetadata, TopicPartition

from aloft.kit.bus.kafka_assignor import KnownTopics
from aloft.kit.bus.kafka_client import opened
from aloft.kit.bus.kafka_config import KafkaConfig
from aloft.kit.bus.kafka_publisher import Publisher
from aloft.kit.bus.port import Delivery, Message

log = logging.getLogger(__name__)

_LOST = (CommitFailedError, IllegalGenerationError, RebalanceInProgressError, UnknownMemberIdError)
_CALL_MS = 15_000


class KafkaBus:
    """One per process. Publishing is thread-safe; each subscription belongs to one thread."""

    def __init__(self, config: KafkaConfig) -> None:
        self._config = config
        self._publisher = Publisher(config)

    def publish(self, messages: Sequence[Message]) -> Sequence[bool]:
        """Write in the order given and wait for the brokers in sync."""
        return self._publisher.publish(messages)

    def subscribe(self, group: str, topics: Sequence[str]) -> "KafkaSubscription":
        """Prepare a member; it joins with its first poll, so that a start does not wait for the broker."""
        return KafkaSubscription(self._config, group, topics)

    def create_topics(self, topics: Sequence[str], compacted: Collection[str] = ()) -> None:
        """Create what is missing. Several processes may ask at once."""
        missing = self.missing_topics(topics)
        if not missing:
            return
        wanted = {
            self._config.topic_prefix + name: {
                "num_partitions": self._config.partitions,
                "replication_factor": self._config.replication_factor,
                "configs": {
                    "retention.ms": "-1",
                    "retention.bytes": "-1",
                    "cleanup.policy": "compact" if name in compacted else "delete",
                },
            }
            for name in missing
        }
        admin = opened(KafkaAdminClient, **self._config.client())
        try:
            admin.create_topics(wanted, timeout_ms=_CALL_MS, wait_for_metadata=True)
        except TopicAlreadyExistsError:
            if left := self.missing_topics(topics):
                raise RuntimeError(f"topics could not be created: {', '.join(left)}") from None
        finally:
            admin.close()

    def missing_topics(self, topics: Sequence[str]) -> Sequence[str]:
        """Name those that do not exist."""
        admin = opened(KafkaAdminClient, **self._config.client())
        try:
            known = set(admin.list_topics())
        finally:
            admin.close()
        return [name for name in topics if self._config.topic_prefix + name not in known]

    def close(self) -> None:
        """Close the producer."""
        self._publisher.close()


class KafkaSubscription:
    """One member of a group. Away too long, it rejoins by itself and reads on from what is committed."""

    def __init__(self, config: KafkaConfig, group: str, topics: Sequence[str]) -> None:
        self._config = config
        self._group = config.topic_prefix + group
        self._topics = [config.topic_prefix + name for name in topics]
        self._consumer: Any = None
        self._held = _Held()
        self._committed: dict[TopicPartition, int] = {}

    def poll(self, limit: int, wait_s: float) -> Sequence[Delivery]:
        """Read on, joining first if need be."""
        if self._consumer is None:
            self._consumer = self._join()
        records = self._consumer.poll(timeout_ms=round(wait_s * 1000), max_records=limit)
        self._held.add(records)
        return [self._delivery(record) for batch in records.values() for record in batch]

    def _join(self) -> Any:
        session_ms = round(self._config.session_timeout_s * 1000)
        consumer = opened(
            KafkaConsumer,
            **self._config.client(),
            group_id=self._group,
            partition_assignment_strategy=[KnownTopics],
            # The inbox decides what is taken; the offset follows it.
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            allow_auto_create_topics=False,
            session_timeout_ms=session_ms,
            heartbeat_interval_ms=min(3_000, session_ms // 3),
            metrics_enabled=False,
        )
        consumer.subscribe(self._topics, listener=self._held)
        return consumer

    def _delivery(self, record: Any) -> Delivery:
        message = Message(
            record.topic.removeprefix(self._config.topic_prefix),
            (record.key or b"").decode(errors="replace"),
            record.value or b"",
            {name: (value or b"").decode(errors="replace") for name, value in record.headers},
        )
        return Delivery(message, record.partition, record.offset)

    def commit(self, deliveries: Sequence[Delivery]) -> None:
        """Commit the partitions that this member still holds."""
        last: dict[TopicPartition, int] = {}
        for each in deliveries:
            place = TopicPartition(self._config.topic_prefix + each.message.topic, each.partition)
            last[place] = max(last.get(place, 0), each.offset + 1)
        mine = {place: after for place, after in last.items() if place in self._held}
        if not mine:
            return
        try:
            self._consumer.commit(
                {place: OffsetAndMetadata(after, "", -1) for place, after in mine.items()},
                timeout_ms=_CALL_MS,
            )
        except _LOST as error:
            log.info(
                "%s lost its partitions before it could commit them (%s)", self._group, type(error).__name__
            )
            self._held.clear()
        else:
            self._committed |= mine

    def rewind(self) -> None:
        """Leave; the next poll joins anew, and so begins after what was committed."""
        try:
            self.close()
        finally:
            self._consumer = None
            self._held.clear()

    def lag(self) -> Mapping[tuple[str, int], int]:
        """Compare what is committed with the ends that came along with the last fetches."""
        behind: dict[tuple[str, int], int] = {}
        for place in self._consumer.assignment() if self._consumer else ():
            end = self._consumer.highwater(place)
            start = self._committed.get(place) if place in self._held else None
            if end is not None and start is not None:
                behind[place.topic.removeprefix(self._config.topic_prefix), place.partition] = max(
                    0, end - start
                )
        return behind

    def close(self) -> None:
        """Leave the group, so that others have the partitions at once."""
        if self._consumer is not None:
            self._consumer.close(autocommit=False, timeout_ms=5_000)


class _Held(ConsumerRebalanceListener):  # type: ignore[misc]
    """The partitions read since they were assigned. The library tells from a thread of its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._places: set[TopicPartition] = set()

    def __contains__(self, place: TopicPartition) -> bool:
        with self._lock:
            return place in self._places

    def add(self, places: Collection[TopicPartition]) -> None:
        with self._lock:
            self._places.update(places)

    def clear(self) -> None:
        with self._lock:
            self._places.clear()

    def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Nothing is held before it is read."""

    def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Let go."""
        with self._lock:
            self._places.difference_update(revoked)

    def on_partitions_lost(self, lost: Collection[TopicPartition]) -> None:
        """Let go."""
        self.on_partitions_revoked(lost)
