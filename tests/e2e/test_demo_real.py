"""`aloft demo --real`: the same on real servers, which are afterwards as they were."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from kafka import KafkaAdminClient
from minio import Minio as Client

from tests.e2e.demonstration import Demo
from tests.e2e.program import eventually
from tests.e2e.real import serving_of
from tests.stack.kafka import Kafka
from tests.stack.minio import Minio
from tests.stack.postgres import Postgres
from tests.stack.standing import settings_of
from tests.stack.torchserve import TorchServe

pytestmark = pytest.mark.timeout(300)  # processes start slowly where several suites share the cores


class Servers:
    """The four, and everything that lies on them."""

    def __init__(self, kafka: Kafka, minio: Minio, postgres: Postgres, torchserve: TorchServe) -> None:
        self._kafka = kafka
        self._minio = minio
        self._postgres = postgres
        self._torchserve = torchserve
        self.env = settings_of(kafka, minio, postgres, torchserve)

    def holdings(self) -> dict[str, Any]:
        """List topics, groups, buckets, databases, roles, versions and archives."""
        admin = KafkaAdminClient(bootstrap_servers=self._kafka.bootstrap)
        topics, groups = sorted(admin.list_topics()), admin.list_groups()
        admin.close()
        store = Client(self._minio.endpoint, self._minio.access_key, self._minio.secret_key, secure=False)
        with psycopg.connect(self._postgres.admin_url.replace("+psycopg", "")) as connection:
            databases, roles = (
                connection.execute(query).fetchall()
                for query in (
                    b"SELECT datname FROM pg_database ORDER BY 1",
                    b"SELECT rolname FROM pg_roles ORDER BY 1",
                )
            )
        return {
            # The broker keeps a topic of its own from the first consumer on.
            "topics": [topic for topic in topics if not topic.startswith("__")],
            "groups": sorted(group["group_id"] for group in groups),
            "buckets": sorted(bucket.name for bucket in store.list_buckets()),
            "databases": databases,
            "roles": roles,
            "versions": serving_of(self._torchserve).registered(),
            "archives": list(self._torchserve.store.iterdir()),
        }


@pytest.fixture
def servers(
    kafka: Kafka, minio: Minio, postgres: Postgres, own_torchserve: Callable[[], TorchServe]
) -> Servers:
    """Servers that others use too, but for TorchServe, whose store an agent empties."""
    return Servers(kafka, minio, postgres, own_torchserve())


@pytest.fixture
def demo(servers: Servers, tmp_path: Path) -> Iterator[Demo]:
    """A run that has not begun. A test that fails leaves no process of it either."""
    one = Demo(tmp_path / "tmp", servers.env)
    yield one
    one.stop()


def test_a_demo_runs_on_real_servers_and_leaves_them_as_they_were(demo: Demo, servers: Servers) -> None:
    before = servers.holdings()
    process = demo.start("--real", "--json")
    out, err = process.communicate(timeout=280)
    assert process.returncode == 0, err
    assert demo.processes() == [], f"processes are left:\n{err}"
    assert demo.left() == [], f"files are left:\n{err}"
    assert servers.holdings() == before
    found = json.loads(out)
    assert set(found["ran_on"]) == {"Kafka", "MinIO, or another S3", "PostgreSQL", "TorchServe"}
    for name, arm in found["arms"].items():
        assert arm["stopped"] == "BUDGET_IMAGES", f"the budget is what ends {name}"
        assert [one["labelled"] for one in arm["rounds"]] == [6, 12], name
        final = arm["rounds"][-1]["model_version"]
        assert arm["served"]["version"] == final, f"TorchServe answers {name} with another version"
    digests = {arm["served"]["digest"] for arm in found["arms"].values()}
    assert len(digests) == 2, "both arms are answered from one archive"
    report = (demo.out / "report.html").read_text()
    for said in (*digests, servers.env["ALOFT_BUS__BOOTSTRAP_SERVERS"]):
        assert said in report, f"the report does not show {said}"


def test_ctrl_c_in_the_middle_leaves_nothing_on_the_servers(demo: Demo, servers: Servers) -> None:
    before = servers.holdings()
    process = demo.start("--real")
    demo.listen()
    eventually(lambda: any("registered" in line for line in demo.said), "images are registered", 150)
    during = servers.holdings()
    assert len(during["databases"]) == len(before["databases"]) + 1, "the run has a database of its own"
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(60) == 1, "a demonstration that was interrupted did not succeed"
    assert demo.processes() == [], "processes outlive Ctrl-C"
    assert demo.left() == [], "files outlive Ctrl-C"
    assert servers.holdings() == before
    assert not demo.out.exists(), "there is a report of what never ended"
