"""The servers of one test session: started when first asked for, shared, and gone with it."""

import fcntl
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import IO

from tests.stack import kafka, minio, postgres, prometheus, torchserve
from tests.stack.kafka import Kafka
from tests.stack.minio import Minio
from tests.stack.postgres import Postgres
from tests.stack.prometheus import Prometheus
from tests.stack.server import Server
from tests.stack.torchserve import TorchServe

KINDS: dict[str, type[Server]] = {
    kind.name: kind for kind in (Kafka, Minio, Postgres, Prometheus, TorchServe)
}

FETCH: dict[str, Callable[[], Path]] = {
    "kafka": kafka.fetch,
    "minio": minio.fetch,
    "postgres": postgres.fetch,
    "prometheus": prometheus.fetch,
    "torchserve": torchserve.fetch,
}

PREFIX = "aloft-stack-"


def data_folder() -> Path:
    """Make a folder for the data of servers."""
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    folder.chmod(0o755)  # PostgreSQL's user must be able to pass through
    return folder


def session_folder() -> tuple[Path, IO[str]]:
    """Make a folder for a session's data, and remove those of sessions that were killed before they could.

    A session holds a lock on its folder for as long as it lives; the lock of a dead one can be had.
    """
    folder = data_folder()
    lock = (folder / "lock.new").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    (folder / "lock.new").rename(folder / "lock")  # appears only once it is held
    for other in folder.parent.glob(f"{PREFIX}*"):
        if other != folder and (other / "lock").exists():
            with (other / "lock").open("w") as theirs:
                try:
                    fcntl.flock(theirs, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    continue  # alive
                shutil.rmtree(other, ignore_errors=True)
    return folder, lock


class Session:
    """The servers that tests share, and the private ones that single tests break."""

    def __init__(self) -> None:
        self._folder, self._lock = session_folder()
        self._pool = ThreadPoolExecutor(thread_name_prefix="stack-start")
        self._shared: dict[str, Future[Server]] = {}
        self._servers: list[Server] = []
        self._guard = threading.Lock()
        self._expected: set[str] = set()

    def expect(self, names: Iterable[str]) -> None:
        """Say which servers will be asked for, so that the first asked for brings the others along."""
        self._expected |= set(names)

    def shared(self, name: str) -> Server:
        """Return the session's server of this name, running."""
        with self._guard:
            for each in {name, *self._expected} - set(self._shared):
                self._shared[each] = self._pool.submit(self._start_shared, each)
        return self._shared[name].result()

    def _start_shared(self, name: str) -> Server:
        server = KINDS[name](self._folder / "shared")
        self._servers.append(server)
        server.start()
        return server

    def private_folder(self) -> Path:
        """Make the data folder of a server that one test has to itself."""
        folder = Path(tempfile.mkdtemp(prefix="own-", dir=self._folder))
        folder.chmod(0o755)
        return folder

    def close(self) -> None:
        """End everything and remove its data; nothing of it is worth an orderly shutdown."""
        self._pool.shutdown()
        for server in self._servers:
            server.kill()
        self._lock.close()
        shutil.rmtree(self._folder, ignore_errors=True)
