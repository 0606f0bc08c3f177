"""Each real server answers a real request, and comes back from `kill -9` on its address with its data."""

import io
import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic
from minio import Minio as Client

from tests.stack.kafka import Kafka
from tests.stack.minio import Minio
from tests.stack.postgres import Postgres
from tests.stack.prometheus import Prometheus
from tests.stack.server import alive, wait_for_end
from tests.stack.session import Session


def client(server: Minio) -> Client:
    return Client(server.endpoint, server.access_key, server.secret_key, secure=False)


def produce(broker: Kafka, topic: str, value: bytes) -> None:
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap, acks="all", enable_idempotence=True)
    producer.send(topic, value).get(timeout=20)
    producer.close()


def consume(broker: Kafka, topic: str, count: int) -> list[bytes]:
    consumer = KafkaConsumer(topic, bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest")
    found: list[bytes] = []
    while len(found) < count:
        batches = consumer.poll(timeout_ms=20_000)
        assert batches, f"the broker gave {len(found)} of {count} messages and then none for 20 s"
        found += [record.value for records in batches.values() for record in records]
    consumer.close()
    return found


def test_kafka_killed_comes_back_with_its_messages(own_kafka: Callable[[], Kafka]) -> None:
    broker = own_kafka()
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    admin.create_topics([NewTopic("survives", num_partitions=1, replication_factor=1)])
    admin.close()
    produce(broker, "survives", b"before")
    address = broker.bootstrap

    broker.kill()
    broker.start()

    produce(broker, "survives", b"after")
    assert broker.bootstrap == address
    assert consume(broker, "survives", 2) == [b"before", b"after"]


def test_minio_killed_comes_back_with_its_objects(own_minio: Callable[[], Minio]) -> None:
    store = own_minio()
    client(store).make_bucket("survives")
    client(store).put_object("survives", "key", io.BytesIO(b"bytes"), 5)

    store.kill()
    store.start()

    with client(store).get_object("survives", "key") as answer:
        assert answer.read() == b"bytes"


def test_postgres_killed_comes_back_with_its_rows(own_postgres: Callable[[], Postgres]) -> None:
    server = own_postgres()
    address = server.create_database("survives").replace("+psycopg", "")
    with psycopg.connect(address) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    # Asynchronous commits reach the log within moments; a checkpoint makes this one certain.
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("CHECKPOINT")

    server.kill()
    server.start()

    with psycopg.connect(address) as connection:
        assert connection.execute("SELECT number FROM kept").fetchone() == (7,)


def test_each_test_gets_a_database_of_its_own(postgres: Postgres, postgres_database: str) -> None:
    assert postgres_database != postgres.admin_url
    with psycopg.connect(postgres_database.replace("+psycopg", "")) as connection:
        assert connection.execute(
            "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        ).fetchone() == (0,)


def test_prometheus_scrapes_what_it_is_told_to(prometheus: Prometheus) -> None:
    prometheus.scrape([prometheus.url.removeprefix("http://")])
    query = f"{prometheus.url}/api/v1/query?query=up"
    result: list[object] = []
    while not result:  # the test's own time limit ends this
        with urllib.request.urlopen(query) as answer:
            result = json.load(answer)["data"]["result"]
    assert "aloft" in json.dumps(result)


def test_a_paused_server_answers_again_when_resumed(own_minio: Callable[[], Minio]) -> None:
    store = own_minio()
    store.pause()
    assert not store.answers()
    store.resume()
    assert not client(store).bucket_exists("none")


HOLD = """
import sys, pathlib
from tests.stack.postgres import Postgres
from tests.stack.minio import Minio
servers = [Postgres(pathlib.Path(sys.argv[1])), Minio(pathlib.Path(sys.argv[1]))]
for server in servers:
    server.start()
print(*[server.pid for server in servers], flush=True)
sys.stdin.read()
"""


@pytest.mark.servers
def test_servers_end_with_a_session_that_is_killed(stack: Session) -> None:
    session = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(stack.private_folder())],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert session.stdout is not None
    pids = [int(word) for word in session.stdout.readline().split()]
    assert len(pids) == 2
    assert all(alive(pid) for pid in pids)

    session.kill()
    session.communicate()

    assert not wait_for_end(pids, limit_s=20), "servers outlive the session that started them"
