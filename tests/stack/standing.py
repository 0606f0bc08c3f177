"""Servers that stay after the command that started them: `up` and `down`."""

import json
import os
import shlex
import shutil
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.stack.cache import cache_root, locked, say
from tests.stack.kafka import Kafka
from tests.stack.minio import Minio
from tests.stack.postgres import Postgres
from tests.stack.prometheus import Prometheus
from tests.stack.server import Server, alive, children, wait_for_end
from tests.stack.session import data_folder
from tests.stack.torchserve import TorchServe


def started_at(pid: int) -> str:
    """Say when a process started, so that its number is not taken for another's later."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]


@dataclass(frozen=True)
class Standing:
    """What `up` started, as it is written down for `down`."""

    folder: str
    """Where all data lies."""
    started: dict[int, str]
    """Process ids, each with the time its process started."""
    addresses: dict[str, str]
    """How a client reaches each server."""
    settings: dict[str, str]
    """What Aloft is told to use them."""

    def running(self) -> list[int]:
        """Name the processes that still are the ones that were started."""
        return [pid for pid, when in self.started.items() if alive(pid) and started_at(pid) == when]


def _state() -> Path:
    return cache_root() / "running.json"


def settings_file() -> Path:
    """Say where what Aloft is told lies, for a shell to read."""
    return cache_root() / "servers.env"


def _read() -> Standing | None:
    if not _state().exists():
        return None
    content = json.loads(_state().read_text())
    started = {int(pid): when for pid, when in content["started"].items()}
    return Standing(content["folder"], started, content["addresses"], content["settings"])


def up() -> None:
    """Start the servers, unless they run already, and print where they are."""
    with locked(cache_root() / "running.lock"):
        standing = _read()
        if standing is None or not standing.running():
            say("starting Kafka, MinIO, PostgreSQL, TorchServe and Prometheus; usually 5 s")
            standing = _start()
            _state().write_text(json.dumps(asdict(standing), indent=2))
            lines = (f"export {name}={shlex.quote(value)}\n" for name, value in standing.settings.items())
            settings_file().write_text("".join(lines))
        for name, address in standing.addresses.items():
            print(f"{name:<11} {address}")
        print(f"\nTo see Aloft run on them:\n\n    . {settings_file()} && {_aloft()} demo --real")


def _aloft() -> Path:
    """Say how the command is reached from here."""
    command = Path(sys.executable).with_name("aloft")
    return command.relative_to(Path.cwd()) if command.is_relative_to(Path.cwd()) else command


def _start() -> Standing:
    folder = data_folder()
    kafka, minio = Kafka(folder, outlives_session=True), Minio(folder, outlives_session=True)
    postgres, prometheus = (
        Postgres(folder, outlives_session=True),
        Prometheus(folder, outlives_session=True),
    )
    torchserve = TorchServe(folder, outlives_session=True)
    servers: list[Server] = [kafka, minio, postgres, prometheus, torchserve]
    try:
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda server: server.start(), servers))
    except BaseException:
        for server in servers:
            server.kill()
        shutil.rmtree(folder, ignore_errors=True)
        raise
    addresses = {
        "kafka": kafka.bootstrap,
        "minio": f"{minio.url} (access key {minio.access_key}, secret key {minio.secret_key})",
        "postgres": postgres.admin_url,
        "torchserve": f"{torchserve.inference} (management {torchserve.management})",
        "prometheus": prometheus.url,
    }
    started = {server.pid: started_at(server.pid) for server in servers}
    return Standing(str(folder), started, addresses, settings_of(kafka, minio, postgres, torchserve))


def settings_of(kafka: Kafka, minio: Minio, postgres: Postgres, torchserve: TorchServe) -> dict[str, str]:
    """Say how Aloft is told to use these servers: the settings that `aloft demo --real` asks for."""
    return {
        "ALOFT_BUS__BOOTSTRAP_SERVERS": kafka.bootstrap,
        "ALOFT_OBJECTS__ENDPOINT": minio.url,
        "ALOFT_OBJECTS__ACCESS_KEY": minio.access_key,
        "ALOFT_OBJECTS__SECRET_KEY": minio.secret_key,
        "ALOFT_ADMIN_URL": postgres.admin_url,
        "ALOFT_SERVING__MANAGEMENT_URL": torchserve.management,
        "ALOFT_SERVING__INFERENCE_URL": torchserve.inference,
        "ALOFT_SERVING__KEY_FILE": str(torchserve.key_file),
        "ALOFT_SERVING__MODEL_STORE": str(torchserve.store),
    }


def down() -> None:
    """End the servers that `up` started, by their process ids, and remove their data."""
    with locked(cache_root() / "running.lock"):
        standing = _read()
        if standing is None:
            say("nothing was left running")
            return
        pids = standing.running()
        family = [child for pid in pids for child in children(pid)]
        for pid in pids:
            # To PostgreSQL an interrupt means: close the sessions, do not wait for them. The others just end.
            os.kill(pid, signal.SIGINT)
        for pid in wait_for_end([*pids, *family], limit_s=20):
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(standing.folder, ignore_errors=True)
        _state().unlink()
        settings_file().unlink(missing_ok=True)
        say(f"ended {len(pids)} servers")
