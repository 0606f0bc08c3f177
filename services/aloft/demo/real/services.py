"""The system of a platform team: each service a process of its own, on servers."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pydantic import SecretStr

from aloft.demo.free_ports import free_base
from aloft.demo.plan import Rooms
from aloft.demo.real.part import named
from aloft.demo.real.servers import Parts
from aloft.demo.system import SERVICES, Process
from aloft.kit.settings import Section
from aloft.kit.settings.sentences import name_of
from aloft.serving.port import Serving

SERVING = "serving"
ASK_S = 60.0
"""How long a prediction may take: the first of a worker takes longest."""


class Processes:
    """Four services and the serving agent, on what a run has on the servers."""

    orderly = True

    def __init__(
        self,
        rooms: Rooms,
        parts: Parts,
        prefix: str,
        ran_on: Mapping[str, str],
        pause: Callable[[], None],
    ) -> None:
        self._home = rooms.home
        self._parts = parts
        self._pause = pause
        self.prefix = prefix
        base = free_base(range(len(SERVICES) + 1))
        self._ports = {service: base + offset for offset, service in enumerate((*SERVICES, SERVING))}
        self._shared = {
            **environment("bus", parts.topics.settings),
            **environment("objects", parts.buckets.settings),
            "ALOFT_RPC__LABEL_STORE": f"127.0.0.1:{self._ports[SERVICES[0]]}",
            "ALOFT_RPC__KEY_PEPPER": secrets.token_hex(32),
            "ALOFT_RPC__SERVICE_SECRET": secrets.token_hex(32),
        }
        self.targets: Mapping[str, str] = {
            service: f"127.0.0.1:{self._ports[service]}" for service in SERVICES
        }
        self.ran_on = ran_on
        self.serving: Serving | None = parts.versions.opened(ASK_S)

    def processes(self) -> Sequence[Process]:
        """Say what is to be started."""
        return [
            Process(service, ("aloft.cli.main", "serve", service), self._env(service))
            for service in (*SERVICES, SERVING)
        ]

    def bootstrap(self) -> Process:
        """Say what prints the first administrator's key."""
        store = SERVICES[0]
        place = ("--data-dir", str(self._home / store))
        return Process("aloft admin", ("aloft.cli.main", "admin", "bootstrap", *place), self._env(store))

    def take_in(self, pool: Path) -> None:
        """Upload the images into the pool's bucket."""
        buckets = self._parts.buckets
        with named(buckets):
            buckets.fill(pool, self._pause)

    def _env(self, service: str) -> dict[str, str]:
        own = (
            environment("serving", self._parts.versions.settings)
            | {"ALOFT_SERVING__TRAINER": self.targets["trainer"]}
            if service == SERVING
            else {"ALOFT_DATABASE__URL": self._parts.database.urls[service]}
        )
        return {
            **self._shared,
            **own,
            "ALOFT_DATA_DIR": str(self._home / service),
            "ALOFT_RPC__PORT": str(self._ports[service]),
            # Any free port: nobody comes for the metrics of a demonstration.
            "ALOFT_TELEMETRY__METRICS_PORT": "0",
        }


def environment(name: str, section: Section) -> dict[str, str]:
    """Write what a section says as the variables that say it."""
    values = ((field, getattr(section, field)) for field in type(section).model_fields)
    return {name_of(name, field): _text(value) for field, value in values if value is not None}


def _text(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return str(value).lower() if isinstance(value, bool) else str(value)
