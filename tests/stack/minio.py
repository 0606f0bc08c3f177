"""MinIO, the object store, built from its source at one commit."""

import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from tests.stack import programs
from tests.stack.cache import provide
from tests.stack.server import Server, free_port

VERSION = "v0.0.0-20260212201848-7aac2a2c5b7c"


def fetch() -> Path:
    """Get MinIO's server."""
    doing = f"building MinIO {VERSION} with Go; usually 3 to 5 minutes, once for this machine"
    return provide("minio", VERSION, doing, _build)


def _build(folder: Path) -> None:
    module = f"github.com/minio/minio@{VERSION}"
    programs.run_quietly(
        [programs.go(), "install", module], what="Building MinIO", folder=folder, GOBIN=str(folder)
    )


class Minio(Server):
    """An object store. `endpoint`, `access_key` and `secret_key` are what a client needs."""

    name = "minio"
    access_key = "aloft-tests"
    secret_key = "aloft-tests-secret"

    def __init__(
        self, folder: Path, *, outlives_session: bool = False, settings: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(folder, outlives_session=outlives_session)
        self._program = fetch() / "minio"
        self._port = free_port()
        self._settings = dict(settings or {})
        self.endpoint = f"127.0.0.1:{self._port}"
        self.url = f"http://{self.endpoint}"

    def prepare(self) -> None:
        """Make the folder of the buckets."""
        (self.folder / "data").mkdir()

    def command(self) -> list[str]:
        """Say what to run."""
        return [
            str(self._program),
            "server",
            "--quiet",
            "--address",
            self.endpoint,
            str(self.folder / "data"),
        ]

    def environment(self) -> dict[str, str]:
        """Give it its keys, no console, and a bounded heap."""
        fixed = {"MINIO_BROWSER": "off", "MINIO_UPDATE": "off", "GOMEMLIMIT": "384MiB"}
        keys = {"MINIO_ROOT_USER": self.access_key, "MINIO_ROOT_PASSWORD": self.secret_key}
        return {**fixed, **keys, **self._settings}

    def answers(self) -> bool:
        """Ask whether it can serve requests on objects, not only whether it is alive."""
        try:
            with urllib.request.urlopen(f"{self.url}/minio/health/cluster", timeout=1) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False
