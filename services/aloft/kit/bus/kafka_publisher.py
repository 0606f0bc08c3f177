"""Publishes so that of every key a prefix lands, whatever fails.

kafka-python keeps one batch of a partition in flight and sends a failed one again before what follows it.
So order holds as long as no failure is final; after a batch expired, or the broker lost track of the
producer, it goes on with the next one. Hence batches never expire here, and the first failure stops the
producer, in its own thread, before it can send more. What was in flight then may still land: it begins with
the first message not acknowledged, so what lands twice lands in order, and the inbox knows it.
"""

import logging
import threading
import time
from collections.abc import Sequence
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError, KafkaTimeoutError

from aloft.kit.bus.kafka_client import opened
from aloft.kit.bus.kafka_config import KafkaConfig
from aloft.kit.bus.port import Message

log = logging.getLogger(__name__)

_NEVER_MS = 2**31 - 1
_STOP_S = 5.0


class Publisher:
    """Owns the producer and replaces it after a failure."""

    def __init__(self, config: KafkaConfig) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._producer: Any = None

    def publish(self, messages: Sequence[Message]) -> list[bool]:
        """Send all, wait for all, and say which the broker has."""
        with self._lock:
            producer = self._producer or self._connect()
            if producer is None:
                return [False] * len(messages)
            self._producer = producer
            futures = self._send(producer, messages)
            until = time.monotonic() + self._config.publish_timeout_s
            error = next(
                (why for why in (_failure(future, until) for future in futures if future) if why), None
            )
            if error is not None:
                log.warning("publishing stopped and begins anew: %s", error)
                self._producer = None
                _stop(producer)
            return [future is not None and future.succeeded() for future in futures]

    def _connect(self) -> Any:
        try:
            return opened(
                KafkaProducer,
                **self._config.client(),
                enable_idempotence=True,
                acks="all",
                delivery_timeout_ms=_NEVER_MS,
                max_block_ms=2_000,
                batch_size=128 * 1024,
                metrics_enabled=False,
            )
        except KafkaError as error:
            log.warning("the broker cannot be reached: %s", error)
            return None

    def _send(self, producer: Any, messages: Sequence[Message]) -> list[Any]:
        """Queue messages. None stands for one that cannot be, and for what follows it in its lane."""
        futures: list[Any] = []
        refused: set[tuple[str, str]] = set()
        for message in messages:
            lane = (message.topic, message.key)
            future = None
            if not {lane, (message.topic, "")} & refused:
                try:
                    future = self._queue(producer, message)
                except KafkaTimeoutError as error:
                    log.warning("topic %s is not to be had: %s", message.topic, error)
                    refused.add((message.topic, ""))
                except KafkaError as error:
                    log.warning("a message of %s on %s was refused: %s", message.key, message.topic, error)
                    refused.add(lane)
            futures.append(future)
        return futures

    def _queue(self, producer: Any, message: Message) -> Any:
        future = producer.send(
            self._config.topic_prefix + message.topic,
            key=message.key.encode(),
            value=message.value,
            headers=[(name, value.encode()) for name, value in message.headers.items()],
        )
        return future.add_errback(lambda _error: _halt(producer))

    def close(self) -> None:
        """Stop the producer; nothing is waiting in it between two calls of `publish`."""
        with self._lock:
            if self._producer is not None:
                _stop(self._producer)
                self._producer = None


def _failure(future: Any, until: float) -> object:
    try:
        future.get(timeout=max(0.0, until - time.monotonic()))
    except KafkaError as error:
        return error
    return None


def _halt(producer: Any) -> None:
    # Closing flushes first; that fails, and the thread goes on sending: nothing public stops it. Called from
    # that thread as a failure becomes known, this comes before the next batch.
    producer._sender.force_close()


def _stop(producer: Any) -> None:
    _halt(producer)
    producer._sender.join(_STOP_S)
    if producer._sender.is_alive():
        raise RuntimeError("the producer did not stop; publishing anew beside it could reorder events")
    producer.close(timeout=0)
