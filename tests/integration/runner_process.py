"""A process as `aloft serve` makes one, around a test's service: it says what it does, in order."""

import sys
from pathlib import Path
from typing import ClassVar

from google.protobuf.wrappers_pb2 import StringValue

from aloft.kit.database import Database, migrate
from aloft.kit.rpc.call import Call, Role, allow
from aloft.kit.runner import run
from aloft.kit.service import Background, Service
from aloft.kit.settings import RpcSettings, Settings, TelemetrySettings
from aloft.kit.steps import Wake
from tests.integration.echo import Echo, Keys, servicer


def say(word: str) -> None:
    """Tell the test."""
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


class Held(Echo):
    """A call that takes until the process has been told to stop, and a little longer."""

    def __init__(self, told: Path) -> None:
        super().__init__()
        self._told = told

    @allow(Role.VENDOR)
    def wait(self, request: StringValue, call: Call) -> StringValue:
        """Answer once the test has written its file."""
        say("call begun")
        while not self._told.exists():
            call.check()
            self.release.wait(0.02)
        say("call answered")
        return request


class Beat:
    """A step that is in the middle of something most of the time."""

    name = "beat"

    def __init__(self) -> None:
        self._wake = Wake()

    def step(self) -> bool:
        """Take a moment."""
        self._wake.wait(0.1)
        return True


class EchoSettings(Settings):
    """Settings that leave room to look."""

    service: ClassVar[str] = "acquisition"
    rpc: RpcSettings = RpcSettings(drain_delay_s=1)
    telemetry: TelemetrySettings = TelemetrySettings(metrics_port=0)


def main(folder: Path) -> None:
    """Serve until SIGTERM."""
    settings = EchoSettings(data_dir=folder)
    database = Database(settings.database.url.get_secret_value(), schema="acquisition")
    migrate(database, "aloft.acquisition")
    service = Service(
        name="echo",
        database=database,
        servicers=[servicer(Held(folder / "told"))],
        backgrounds=[Background(Beat(), close=lambda: say("loop closed"))],
        close=[lambda: say("service closed"), database.close],
    )
    run(service, settings, Keys())
    say("ended")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
