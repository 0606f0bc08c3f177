"""The least that the same events can cost: produce, consume, and the effect's SQL, a transaction for each."""

import queue
import threading
from typing import Any

import psycopg
from kafka import KafkaConsumer, KafkaProducer

from aloft.api.events.v1 import events_pb2 as events
from aloft.bench.bus_room import EFFECT, TOPIC, Room, seconds

_EFFECT = EFFECT.format("%s", "%s").encode()


def events_per_second(here: Room, count: int, keys: int, workers: int) -> float:
    """Time from the first produce until the effect of each event is committed."""
    topic = here.kafka.topic_prefix + TOPIC
    producer = KafkaProducer(**here.kafka.client(), enable_idempotence=True, acks="all")
    consumer = KafkaConsumer(
        topic, **here.kafka.client(), group_id=topic, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    consumer.poll(0)
    payloads = [(f"c{number % keys}".encode(), here.payload(number)) for number in range(count)]

    def work() -> None:
        sending = threading.Thread(target=_produce, args=(producer, topic, payloads))
        sending.start()
        _consume(here.dsn, consumer, count, workers)
        sending.join()

    try:
        return count / seconds(work)
    finally:
        consumer.close(autocommit=False)
        producer.close()


def _produce(producer: Any, topic: str, payloads: list[tuple[bytes, bytes]]) -> None:
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
