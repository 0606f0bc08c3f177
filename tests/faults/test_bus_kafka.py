"""Events over a real Kafka and PostgreSQL while brokers and processes are killed and frozen."""

import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from kafka import KafkaAdminClient
from sqlalchemy import text

from aloft.api.events.v1 import events_pb2 as events
from aloft.kit.bus import Delivery, Message, emit, ensure_topics
from aloft.kit.bus.kafka import KafkaBus
from aloft.kit.bus.kafka_config import KafkaConfig
from aloft.kit.bus.topics import LABELS_COMMITTED
from aloft.kit.database import Database, migrate, provision
from tests.contract.brokers import kafka_config
from tests.faults.bus_process import FAILING
from tests.stack.kafka import Kafka

EVENTS, KEYS = 5_000, 20
SESSION_TIMEOUT_S = 6.0
DEADLINE_S = 60.0


class Service:
    """A schema of its own, and processes that serve it."""

    def __init__(self, exits: ExitStack, folder: Path, admin_url: str, bootstrap: str, prefix: str) -> None:
        self._exits, self._folder, self._bootstrap, self._prefix = exits, folder, bootstrap, prefix
        self._schema = f"s_{uuid.uuid4().hex[:8]}"
        self._url = provision(admin_url, self._schema, "secret")
        self.database = Database(self._url, schema=self._schema)
        exits.callback(self.database.close)
        migrate(self.database)

    def process(self, role: str) -> "subprocess.Popen[str]":
        """Start a process and wait until it runs."""
        program = [sys.executable, "-W", "ignore", "-m", "tests.faults.bus_process"]
        told = [self._url, self._schema, self._bootstrap, self._prefix, role]
        log = self._folder / f"{role}-{uuid.uuid4().hex[:6]}.log"
        with log.open("w") as out:
            process = subprocess.Popen([*program, *told], stdout=subprocess.PIPE, stderr=out, text=True)
        self._exits.callback(process.communicate)
        self._exits.callback(process.kill)
        assert process.stdout is not None
        if process.stdout.readline() != "ready\n":
            raise AssertionError(f"{role} did not start:\n{log.read_text()[-3000:]}")
        return process

    def count(self, table: str, where: str = "TRUE") -> int:
        with self.database.read() as tx:
            return int(tx.execute(text(f"SELECT count(*) FROM {table} WHERE {where}")).scalar_one())

    def effects(self) -> dict[str, list[int]]:
        """Read, for each key, what took effect in the order in which it did."""
        found: dict[str, list[int]] = {}
        with self.database.read() as tx:
            for row in tx.execute(text("SELECT key, number FROM effects ORDER BY id")):
                found.setdefault(row.key, []).append(row.number)
        return found


@contextmanager
def services(folder: Path, admin_url: str, bootstrap: str) -> Iterator[Callable[[], Service]]:
    """Make topics under a prefix of their own; afterwards every process is ended."""
    prefix = f"f{uuid.uuid4().hex[:8]}."
    with ExitStack() as exits:
        bus = KafkaBus(kafka_config(bootstrap, prefix))
        exits.callback(bus.close)
        ensure_topics(bus, create=True)
        yield lambda: Service(exits, folder, admin_url, bootstrap, prefix)


def eventually(happens: Callable[[], bool], what: Callable[[], str]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not happens():
        assert time.monotonic() < deadline, f"not within {DEADLINE_S:.0f} s: {what()}"
        threading.Event().wait(0.1)


def test_each_keys_effects_happen_once_and_in_order_whatever_is_killed_or_frozen(
    own_kafka: Callable[[], Kafka], postgres_database: str, tmp_path: Path
) -> None:
    broker = own_kafka()
    with services(tmp_path, postgres_database, broker.bootstrap) as service, ThreadPoolExecutor(1) as pool:
        giver, taker = service(), service()
        with taker.database.transaction() as tx:
            tx.execute(text("CREATE TABLE effects (id BIGSERIAL PRIMARY KEY, key TEXT, number BIGINT)"))
        relay = giver.process("giver")
        first, second, frozen = [taker.process("taker") for _ in range(3)]
        announced = pool.submit(announce, giver.database, range(EVENTS))

        reached(taker, EVENTS // 10)
        frozen.send_signal(signal.SIGSTOP)
        stopped = time.monotonic()
        broker.kill()
        broker.start()
        first.kill()
        third = taker.process("taker")
        reached(taker, EVENTS * 4 // 10)
        relay.kill()
        giver.process("giver")
        reached(taker, EVENTS * 6 // 10)
        second.kill()
        fourth = taker.process("taker")
        eventually(
            lambda: time.monotonic() > stopped + SESSION_TIMEOUT_S + 2, lambda: "the clock stands still"
        )
        frozen.send_signal(signal.SIGCONT)
        finished(announced)
        expect_everything(taker, EVENTS)
        assert taker.count("inbox_lanes", "attempts > 0") == 1, "the failing key backs off, and it alone"

        for other in (third, fourth):
            other.terminate()
        announce(giver.database, range(EVENTS, EVENTS + KEYS))
        expect_everything(taker, EVENTS + KEYS)
        assert frozen.poll() is None, "only the process that was frozen was left to do this"


def announce(database: Database, numbers: Sequence[int]) -> None:
    """Emit a number each, to one key after the other, forty to a transaction."""
    for start in range(0, len(numbers), 2 * KEYS):
        with database.transaction() as tx:
            for number in numbers[start : start + 2 * KEYS]:
                key = f"c{number % KEYS}"
                emit(tx, key, events.LabelsCommitted(campaign=key, label_revision=number))
        threading.Event().wait(0.08)


def finished(announced: "Future[None]") -> None:
    announced.result(DEADLINE_S)


def reached(taker: Service, effects: int) -> None:
    eventually(
        lambda: taker.count("effects") >= effects,
        lambda: f"{taker.count('effects')} of {effects} effects, {taker.count('inbox')} events in the inbox",
    )


def expect_everything(taker: Service, up_to: int) -> None:
    """Wait for every event but those of the failing key; then look at each key's effects."""
    reached(taker, up_to * (KEYS - 1) // KEYS)
    expected = {f"c{key}": list(range(key, up_to, KEYS)) for key in range(KEYS)}
    del expected[FAILING]
    found = taker.effects()
    for key, numbers in expected.items():
        assert found.get(key) == numbers, f"{key}: effects are not once and in order"
    assert FAILING not in found, "a failed attempt left its effect"


def test_revisions_of_concurrent_writers_arrive_in_commit_order_without_a_gap(
    kafka: Kafka, postgres_database: str, tmp_path: Path
) -> None:
    writers, times = 4, 150
    with services(tmp_path, postgres_database, kafka.bootstrap) as service:
        store, reader = service(), service()
        for statement in ("CREATE TABLE campaign (revision BIGINT)", "INSERT INTO campaign VALUES (0)"):
            with store.database.transaction() as tx:
                tx.execute(text(statement))
        with reader.database.transaction() as tx:
            tx.execute(text("CREATE TABLE effects (id BIGSERIAL PRIMARY KEY, key TEXT, number BIGINT)"))
        reader.process("taker")
        for _ in range(writers):
            store.process(f"writer{times}")
        eventually(
            lambda: reader.count("effects") >= writers * times,
            lambda: f"{reader.count('effects')} of {writers * times} revisions",
        )
        assert reader.effects()["c1"] == list(range(1, writers * times + 1))


def test_of_every_key_a_prefix_lands_when_a_broker_freezes_while_it_is_told(
    own_kafka: Callable[[], Kafka],
) -> None:
    broker = own_kafka()
    bus = KafkaBus(KafkaConfig(bootstrap_servers=(broker.bootstrap,), publish_timeout_s=1.0, partitions=2))
    topic = LABELS_COMMITTED.name
    bus.create_topics([topic])
    batch = [Message(topic, f"k{n % 5}", str(n).encode() * 200) for n in range(2_000)]
    assert all(bus.publish(batch[:10]))
    done = 10
    for _ in range(3):
        assert all(bus.publish(batch[done : done + 1])), "the broker is back and takes nothing"
        done += 1
        with ThreadPoolExecutor(1) as pool:
            told = pool.submit(bus.publish, batch[done : done + 500])
            broker.pause()
            taken = told.result(DEADLINE_S)
            broker.resume()
        for key in range(5):
            flags = [ok for ok, message in zip(taken, batch[done:], strict=False) if message.key == f"k{key}"]
            assert flags == sorted(flags, reverse=True), "what was acknowledged of a key is no prefix"
        done += taken.index(False) if False in taken else len(taken)
    while not all(bus.publish(batch[done:])):
        pass
    landed = read_all(bus, topic, len(batch))
    for key in range(5):
        first = list(dict.fromkeys(each.message.value for each in landed if each.message.key == f"k{key}"))
        assert first == [message.value for message in batch if message.key == f"k{key}"], (
            f"k{key} is out of order"
        )
    bus.close()


def test_nothing_of_a_key_lands_behind_a_message_that_the_broker_refuses(kafka: Kafka) -> None:
    config, topic = kafka_config(kafka.bootstrap, f"r{uuid.uuid4().hex[:8]}."), "small"
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    small = {"num_partitions": 1, "replication_factor": 1, "configs": {"max.message.bytes": "150000"}}
    admin.create_topics({config.topic_prefix + topic: small}, wait_for_metadata=True)
    admin.close()
    batch = [Message(topic, "k", f"{n:04}".encode() * 1_000) for n in range(300)]
    batch[150] = Message(topic, "k", b"x" * 200_000)
    bus = KafkaBus(config)
    assert list(bus.publish(batch)) == [True] * 150 + [False] * 150
    landed = read_all(bus, topic, 150)
    bus.close()
    assert [each.message.value for each in landed] == [each.value for each in batch[:150]]


def read_all(bus: KafkaBus, topic: str, distinct: int) -> list[Delivery]:
    reader = bus.subscribe("reader", [topic])
    found: list[Delivery] = []
    deadline = time.monotonic() + DEADLINE_S
    while len({each.message.value for each in found}) < distinct:
        assert time.monotonic() < deadline, "not everything that was published is there"
        found += reader.poll(1_000, 0.5)
    found += reader.poll(1_000, 0.5)
    reader.close()
    return found
