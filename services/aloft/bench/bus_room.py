"""A topic, a database and an effect that nobody else uses, for one measurement."""

import multiprocessing
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from kafka import KafkaAdminClient
from sqlalchemy import make_url, text

from aloft.api.events.v1 import events_pb2 as events
from aloft.bench.servers import Servers
from aloft.kit.bus.kafka import KafkaBus
from aloft.kit.bus.kafka_config import KafkaConfig
from aloft.kit.bus.topics import LABELS_COMMITTED, dead_letters_of
from aloft.kit.database import Database, migrate, provision

EFFECT = "INSERT INTO effects (key, number) VALUES ({}, {})"
"""The SQL of the effect, for either driver's placeholders."""
TOPIC = LABELS_COMMITTED.name
LIMIT_S = 120.0
"""How long a measurement may take before it is given up."""


@dataclass(frozen=True, slots=True)
class Room:
    """Where one measurement happens."""

    kafka: KafkaConfig
    database: Database
    bus: KafkaBus

    @property
    def dsn(self) -> str:
        """How psycopg opens the same schema."""
        url = make_url(self.database.url).set(drivername="postgresql")
        return f"{url.render_as_string(hide_password=False)}?options=-csearch_path%3D{self.database.schema}"

    @staticmethod
    def event(number: int) -> events.LabelsCommitted:
        """Make an event of an ordinary size: one label set."""
        label_set = events.CommittedLabelSet(image=f"{number:032x}", version=1)
        return events.LabelsCommitted(campaign="bench", label_revision=number, label_sets=[label_set])

    @staticmethod
    def payload(number: int) -> bytes:
        """Write it down."""
        return Room.event(number).SerializeToString()

    def wait_for_effects(self, count: int) -> None:
        """Wait until so many effects are committed."""
        deadline = time.monotonic() + LIMIT_S
        while self.effects() < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.effects()} of {count} effects within {LIMIT_S:.0f} s")
            time.sleep(0.005)

    def durable(self) -> bool:
        """Whether a commit waits for the disk, which decides what a transaction costs."""
        with self.database.read() as tx:
            told = {tx.execute(text(f"SHOW {name}")).scalar_one() for name in ("fsync", "synchronous_commit")}
        return told == {"on"}

    def effects(self) -> int:
        """Count effects by what the sequence gave out, which costs nothing however many there are."""
        with self.database.read() as tx:
            return int(tx.execute(text("SELECT coalesce(max(id), 0) FROM effects")).scalar_one())


@contextmanager
def room(where: Servers) -> Iterator[Room]:
    """Make one, and clear it away."""
    name = f"bench_{uuid.uuid4().hex[:8]}"
    kafka = KafkaConfig(bootstrap_servers=(where.kafka,), topic_prefix=f"{name}.")
    _execute(where.postgres, f"CREATE DATABASE {name}")
    admin_url = make_url(where.postgres).set(database=name).render_as_string(hide_password=False)
    database = Database(provision(admin_url, name, name), schema=name)
    bus = KafkaBus(kafka)
    topics = [TOPIC, dead_letters_of(TOPIC)]
    try:
        migrate(database)
        with database.transaction() as tx:
            tx.execute(text("CREATE TABLE effects (id BIGSERIAL PRIMARY KEY, key TEXT, number BIGINT)"))
        bus.create_topics(topics)
        yield Room(kafka, database, bus)
    finally:
        bus.close()
        database.close()
        _clear(where, kafka, name, topics)


def _clear(where: Servers, kafka: KafkaConfig, name: str, topics: list[str]) -> None:
    _execute(where.postgres, f"DROP DATABASE {name} WITH (FORCE)", f"DROP ROLE {name}")
    admin = KafkaAdminClient(**kafka.client())
    admin.delete_topics([kafka.topic_prefix + topic for topic in topics])
    admin.close()


def _execute(url: str, *statements: str) -> None:
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


@contextmanager
def giver(target: Callable[..., None], *told: Any) -> Iterator[Callable[[], None]]:
    """Run the giving side in a process of its own: who gives an event is another service than who takes it.

    `target` is called with `told`, then `ready` and `go`; what this gives lets it go.
    """
    spawn = multiprocessing.get_context("spawn")
    ready, go = spawn.Event(), spawn.Event()
    process = spawn.Process(target=target, args=(*told, ready, go), daemon=True)
    process.start()
    try:
        if not ready.wait(LIMIT_S):
            raise TimeoutError("the giving process did not start")
        yield go.set
    finally:
        process.kill()
        process.join()


def seconds(work: Callable[[], None]) -> float:
    """Time something."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
