"""One fixture per real server.

`kafka`, `minio`, `postgres`, `prometheus` and `torchserve` are shared by the whole session: tests keep apart
by topic prefix, bucket, database and campaign. A test that breaks a server takes one of its own from
`own_kafka`, `own_minio`, `own_postgres`, `own_torchserve`.

A test that uses any of them is marked `servers`. So is one whose parameter names a real adapter (`kafka`,
`s3`, `postgresql`), since such a test usually asks for its server only when it runs.
"""

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from typing import TypeVar

import pytest

from tests.stack.cache import CannotBeHad
from tests.stack.kafka import Kafka
from tests.stack.minio import Minio
from tests.stack.postgres import Postgres
from tests.stack.prometheus import Prometheus
from tests.stack.server import Server
from tests.stack.session import FETCH, Session
from tests.stack.torchserve import TorchServe

SERVER_OF_FIXTURE = {
    "kafka": "kafka",
    "minio": "minio",
    "postgres": "postgres",
    "postgres_database": "postgres",
    "prometheus": "prometheus",
    "torchserve": "torchserve",
}
PRIVATE = {
    "own_kafka": "kafka",
    "own_minio": "minio",
    "own_postgres": "postgres",
    "own_torchserve": "torchserve",
}
SERVER_OF_ADAPTER = {
    "kafka": "kafka",
    "s3": "minio",
    "minio": "minio",
    "postgresql": "postgres",
    "postgres": "postgres",
    "torchserve": "torchserve",
}

S = TypeVar("S", bound=Server)


def servers_of(item: pytest.Item) -> set[str]:
    """Name the shared servers that a test will ask for, as far as one can tell beforehand."""
    names = {
        SERVER_OF_FIXTURE[name] for name in getattr(item, "fixturenames", []) if name in SERVER_OF_FIXTURE
    }
    call = getattr(item, "callspec", None)
    values = call.params.values() if call else []
    return names | {
        SERVER_OF_ADAPTER[value] for value in values if isinstance(value, str) and value in SERVER_OF_ADAPTER
    }


def private_servers_of(item: pytest.Item) -> set[str]:
    """Name the kinds of server that a test starts for itself."""
    return {PRIVATE[name] for name in getattr(item, "fixturenames", []) if name in PRIVATE}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs servers before `-m` selects by it."""
    for item in items:
        if servers_of(item) | private_servers_of(item):
            item.add_marker(pytest.mark.servers)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Get what the selected tests need before the first of them runs, and where it can be seen."""
    if session.config.option.collectonly:
        return
    needed = {name for item in session.items for name in servers_of(item) | private_servers_of(item)}
    capture = session.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled() if capture else nullcontext():
        for name in sorted(needed):
            try:
                FETCH[name]()
            except CannotBeHad as reason:
                raise pytest.UsageError(str(reason)) from reason


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest) -> Iterator[Session]:
    """Hold the session's servers."""
    session = Session()
    for item in request.session.items:
        session.expect(servers_of(item))
    yield session
    session.close()


def _shared(stack: Session, kind: type[S]) -> S:
    server = stack.shared(kind.name)
    assert isinstance(server, kind)
    return server


@pytest.fixture(scope="session")
def kafka(stack: Session) -> Kafka:
    """Give the shared broker: `bootstrap`."""
    return _shared(stack, Kafka)


@pytest.fixture(scope="session")
def minio(stack: Session) -> Minio:
    """Give the shared object store: `endpoint`, `access_key`, `secret_key`."""
    return _shared(stack, Minio)


@pytest.fixture(scope="session")
def postgres(stack: Session) -> Postgres:
    """Give the shared database server: `admin_url`."""
    return _shared(stack, Postgres)


@pytest.fixture(scope="session")
def prometheus(stack: Session) -> Prometheus:
    """Give the shared Prometheus: `url`, `scrape`."""
    return _shared(stack, Prometheus)


@pytest.fixture(scope="session")
def torchserve(stack: Session) -> TorchServe:
    """Give the shared TorchServe: `management`, `inference`, `key_file`, `store`."""
    return _shared(stack, TorchServe)


@pytest.fixture
def postgres_database(postgres: Postgres) -> Iterator[str]:
    """Give the superuser's URL of a fresh database, dropped afterwards."""
    name = f"test_{uuid.uuid4().hex}"
    yield postgres.create_database(name)
    postgres.drop_database(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def admin_url(request: pytest.FixtureRequest) -> str | None:
    """Give what a service's database is made with, one after the other: nothing, and `postgres_database`."""
    return request.getfixturevalue("postgres_database") if request.param == "postgresql" else None


@pytest.fixture
def own_kafka(stack: Session) -> Iterator[Callable[[], Kafka]]:
    """Start brokers for this test alone; it may break them."""
    with _ended_afterwards() as started:
        yield lambda: started(Kafka(stack.private_folder()))


@pytest.fixture
def own_minio(stack: Session) -> Iterator[Callable[..., Minio]]:
    """Start object stores for this test alone, with settings of its own (`MINIO_…="…"`)."""
    with _ended_afterwards() as started:
        yield lambda **settings: started(Minio(stack.private_folder(), settings=settings))


@pytest.fixture
def own_postgres(stack: Session) -> Iterator[Callable[[], Postgres]]:
    """Start database servers for this test alone."""
    with _ended_afterwards() as started:
        yield lambda: started(Postgres(stack.private_folder()))


@pytest.fixture
def own_torchserve(stack: Session) -> Iterator[Callable[[], TorchServe]]:
    """Start TorchServes for this test alone."""
    with _ended_afterwards() as started:
        yield lambda: started(TorchServe(stack.private_folder()))


@contextmanager
def _ended_afterwards() -> Iterator[Callable[[S], S]]:
    with ExitStack() as exits:

        def started(server: S) -> S:
            exits.callback(server.kill)
            server.start()
            return server

        yield started
