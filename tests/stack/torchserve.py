"""TorchServe, from the environment that the tests run in, set as Aloft sets it."""

import importlib.util
import shutil
import sys
import urllib.error
import urllib.request
from pathlib import Path

from aloft.serving.torchserve.config import TorchServeConfig
from tests.stack import programs
from tests.stack.cache import CannotBeHad
from tests.stack.server import Server, free_port

JVM = ["-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto"]


def fetch() -> Path:
    """Find TorchServe's Java front end."""
    programs.java()
    found = importlib.util.find_spec("ts")
    if found is None or found.origin is None:
        raise CannotBeHad("TorchServe is not in this environment: run `make setup`.")
    return Path(found.origin).parent


class TorchServe(Server):
    """A TorchServe with a store of its own. Its workers are children of its Java process and end with it."""

    name = "torchserve"

    def __init__(self, folder: Path, *, outlives_session: bool = False) -> None:
        super().__init__(folder, outlives_session=outlives_session)
        self._home = fetch()
        self.store = self.folder / "store"
        self.config = TorchServeConfig(
            model_store=self.store,
            inference_port=free_port(),
            management_port=free_port(),
            metrics_port=free_port(),
            grpc_inference_port=free_port(),
            grpc_management_port=free_port(),
            worker_port=free_port(),
        )
        self.management = f"http://127.0.0.1:{self.config.management_port}"
        self.inference = f"http://127.0.0.1:{self.config.inference_port}"
        self.key_file = self.folder / "key_file.json"

    def prepare(self) -> None:
        """Make its folders and write its settings."""
        self.store.mkdir()
        (self.folder / "tmp").mkdir()
        (self.folder / "config.properties").write_text(self.config.text())

    def command(self) -> list[str]:
        """Say what to run: the front end itself, because its launcher allows one server a machine."""
        java = [programs.java(), *JVM, f"-Dmodel_server_home={self._home.parent}"]
        java += [f"-Djava.io.tmpdir={self.folder / 'tmp'}", "-cp", f"{self._home}/frontend/*"]
        settings = ["-f", "config.properties", "-s", str(self.store), "-ncs"]
        return [*java, "org.pytorch.serve.ModelServer", "--python", sys.executable, *settings]

    def environment(self) -> dict[str, str]:
        """Let a worker's network use one core."""
        return {"OMP_NUM_THREADS": "1", "TEMP": str(self.folder / "tmp")}

    def answers(self) -> bool:
        """Ask whether it takes calls; without its token, which even a ping needs, it refuses them."""
        return all(_listens(f"{url}/ping") for url in (self.inference, self.management))

    def wipe(self) -> None:
        """End it at once, and empty what it had on disk, as a new pod would."""
        self.kill()
        for folder in (self.store, self.folder / "tmp"):
            shutil.rmtree(folder)
            folder.mkdir()


def _listens(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1):
            return True
    except urllib.error.HTTPError as refused:
        with refused:
            return True
    except (urllib.error.URLError, OSError):
        return False
