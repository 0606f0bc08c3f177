"""The least that the same events can cost: produce, consume, and the effect's SQL, a transaction for each."""

import queue
import threading
from typing import Any

import psycopg
from kafka import KafkaConsumer, KafkaProducer

from aloft.api.events.v1 import events_pb2 as events
from aloft.bench.bus_room import EFFECT, TOPIC, Room, giver, seconds
from aloft.kit.bus.kafka_config import KafkaConfig

_EFFECT = EFFECT.format("%s", "%s").encode()


def events_per_second(here: Room, count: int, keys: int, workers: int) -> float:
    """Time from the first produce until the effect of each event is committed."""
    topic = here.kafka.topic_prefix + TOPIC
    consumer = KafkaConsumer(
        topic, **here.kafka.client(), group_id=topic, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    consumer.poll(0)

    def work() -> None:
        go()
        _consume(here.dsn, consumer, count, workers)

    try:
        with giver(produce, here.kafka, topic, count, keys) as go:
            return count / seconds(work)
    finally:
        consumer.close(autocommit=False)


def produce(kafka: KafkaConfig, topic: str, count: int, keys: int, ready: Any, go: Any) -> None:
    """Produce, in a process of its own."""
    producer = KafkaProducer(**kafka.client(), enable_idempotence=True, acks="all")
    payloads = [(f"c{number % keys}".encode(), Room.payload(number)) for number in range(count)]
    producer.partitions_for(topic)
    ready.set()
    go.wait()
    for key, value in payloads:
        producer.send(topic, key=key, value=value)
    producer.flush()


def _consume(dsn: str, consumer: Any, count: int, workers: int) -> None:
    """Hand events to the worker of their key, so that each key keeps its order."""
    queues: list[queue.SimpleQueue[Any]] = [queue.SimpleQueue() for _ in range(workers)]
    threads = [threading.Thread(target=_apply, args=(dsn, each)) for each in queues]
    for thread in threads:
        thread.start()
    seen = 0
    while seen < count:
        for records in consumer.poll(500).values():
            for record in records:
                queues[hash(record.key) % workers].put(record)
                seen += 1
        consumer.commit()
    for each in queues:
        each.put(None)
    for thread in threads:
        thread.join()


def _apply(dsn: str, records: "queue.SimpleQueue[Any]") -> None:
    with psycopg.connect(dsn) as connection:
        while (record := records.get()) is not None:
            event = events.LabelsCommitted.FromString(record.value)
            connection.execute(_EFFECT, (record.key.decode(), event.label_revision))
            connection.commit()
