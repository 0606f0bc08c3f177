"""Prometheus and promtool: the machine's own, or Debian's package unpacked into the cache."""

import json
import shutil
import urllib.error
import urllib.request
from pathlib import Path

from tests.stack import programs
from tests.stack.cache import CannotBeHad, provide
from tests.stack.server import Server, free_port

CONFIGURATION = """
global: {scrape_interval: 1s}
scrape_configs:
  - job_name: aloft
    file_sd_configs: [{files: [targets.json], refresh_interval: 1s}]
"""


def fetch() -> Path:
    """Return the folder that has `prometheus` and `promtool`."""
    found = shutil.which("prometheus")
    if found and shutil.which("promtool"):
        return Path(found).parent
    return (
        provide("prometheus", "debian", "unpacking Debian's prometheus; usually 15 s", _unpack)
        / "usr"
        / "bin"
    )


def promtool() -> str:
    """Return the program that checks metrics and rules."""
    return str(fetch() / "promtool")


def _unpack(folder: Path) -> None:
    # Unpacked, not installed: no service starts on the machine, and no right beyond one's own is needed.
    apt = programs.program("apt-get", "Getting Prometheus", "install prometheus and promtool")
    dpkg = programs.program("dpkg", "Getting Prometheus", "install prometheus and promtool")
    download = [apt, "-q", "-o", "APT::Sandbox::User=root", "download", "prometheus"]
    try:
        programs.run_quietly(download, what="Getting Prometheus", folder=folder)
    except CannotBeHad:
        # A fresh machine has no package lists yet; only root may fetch them.
        programs.run_quietly([apt, "-q", "update"], what="Fetching Debian's package lists", folder=folder)
        programs.run_quietly(download, what="Getting Prometheus", folder=folder)
    for package in folder.glob("*.deb"):
        programs.run_quietly([dpkg, "-x", package.name, "."], what="Unpacking Prometheus", folder=folder)
        package.unlink()


class Prometheus(Server):
    """A Prometheus that scrapes every second whatever `scrape` names."""

    name = "prometheus"

    def __init__(self, folder: Path, *, outlives_session: bool = False) -> None:
        super().__init__(folder, outlives_session=outlives_session)
        self._program = fetch() / "prometheus"
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"

    def prepare(self) -> None:
        """Write its configuration, with nothing to scrape yet."""
        (self.folder / "prometheus.yml").write_text(CONFIGURATION)
        self.scrape([])

    def scrape(self, targets: list[str]) -> None:
        """Say which `host:port` addresses to scrape from now on."""
        fresh = self.folder / "targets.new"
        fresh.write_text(json.dumps([{"targets": targets}]))
        fresh.rename(self.folder / "targets.json")

    def command(self) -> list[str]:
        """Say what to run."""
        listen = f"--web.listen-address=127.0.0.1:{self._port}"
        data = f"--storage.tsdb.path={self.folder / 'data'}"
        return [str(self._program), "--config.file=prometheus.yml", data, listen, "--log.level=warn"]

    def environment(self) -> dict[str, str]:
        """Bound its heap."""
        return {"GOMEMLIMIT": "256MiB"}

    def answers(self) -> bool:
        """Ask whether it is ready."""
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=1) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False
