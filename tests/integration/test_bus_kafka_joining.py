"""A group on a real broker that shares its partitions out too early."""

from typing import Any

import pytest
from kafka.cluster import ClusterMetadata

from aloft.kit.bus.kafka import KafkaBus
from aloft.kit.bus.kafka_assignor import KnownTopics
from aloft.kit.bus.kafka_config import KafkaConfig
from aloft.kit.bus.port import Message
from tests.e2e.program import eventually
from tests.stack.kafka import Kafka

TOPICS = ("first", "second")


def test_a_reader_that_joins_before_its_topics_are_known_is_given_them_all_the_same(
    kafka: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    share_out = KnownTopics.assign
    early: list[bool] = []

    def assign(cluster: Any, members: Any) -> Any:
        if not early:
            early.append(True)
            return share_out(ClusterMetadata(), members)
        return share_out(cluster, members)

    monkeypatch.setattr(KnownTopics, "assign", staticmethod(assign))
    config = KafkaConfig(bootstrap_servers=(kafka.bootstrap,), topic_prefix="joining.", session_timeout_s=6.0)
    bus = KafkaBus(config)
    bus.create_topics(TOPICS)
    bus.publish([Message(topic, "key", b"value") for topic in TOPICS])
    reader = bus.subscribe("reader", TOPICS)
    read: list[str] = []

    def everything() -> bool:
        read.extend(one.message.topic for one in reader.poll(10, 0.2))
        return sorted(read) == sorted(TOPICS)

    eventually(everything, "both topics are read", 20)
    assert early, "the partitions were never shared out too early"
    reader.close()
    bus.close()
