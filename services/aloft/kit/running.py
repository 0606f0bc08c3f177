"""One service while it runs: its server, its loops, its readiness."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from aloft.kit.readiness import Readiness
from aloft.kit.rpc.config import ServerConfig, Tls
from aloft.kit.rpc.server import Server
from aloft.kit.rpc.verifiers import Verifier
from aloft.kit.service import Service
from aloft.kit.settings import RpcSettings, Settings
from aloft.kit.steps import Loop, Step
from aloft.kit.telemetry import bind

log = logging.getLogger(__name__)

LOOPS_S = 6.0
"""How long loops have to finish their step."""


@dataclass(frozen=True, slots=True)
class Member:
    """One service, how it is set, and who its callers are."""

    service: Service
    settings: Settings
    verifier: Verifier


class Running:
    """A member while it runs."""

    def __init__(self, member: Member) -> None:
        self.settings = member.settings
        self.service = member.service
        self.name = member.service.name
        self.serving = False
        self.server = Server(
            member.service.servicers, member.verifier, config_of(member.settings.rpc), name=self.name
        )
        self.loops = [
            Loop(_InService(background.step, self.name), background.wake)
            for background in member.service.backgrounds
            for _ in range(background.threads)
        ]
        self._begun: list[Loop] = []
        self._readiness = Readiness(member.service, f"aloft.{member.settings.service}", self.loops)
        self._closed = False

    def start(self) -> int:
        """Listen and begin the loops; say on which port."""
        port = self.server.start()
        self.serving = True
        self.server.set_health("liveness", True)
        self.server.set_health("readiness", False)
        for loop in self.loops:
            loop.start()
            self._begun.append(loop)
        log.info("%s listens on %s:%d", self.name, self.settings.rpc.host, port)
        return port

    def probe(self) -> None:
        """Tell probes whether it is ready."""
        self.server.set_health("readiness", not self._readiness.problem())

    def drain(self) -> None:
        """Take no new call and let those in flight finish."""
        self.server.stop(self.settings.rpc.drain_s)
        self.serving = False

    def stop_loops(self) -> None:
        """Let each loop finish its step."""
        for loop in self._begun:
            loop.stop()
        for background in self.service.backgrounds:
            if background.leave is not None:
                background.leave()
        for loop in self._begun:
            if not loop.join(LOOPS_S):
                log.warning(
                    "%s is still in a step after %.0f s; its work is done again later", loop.name, LOOPS_S
                )

    def close(self) -> None:
        """Give back what the service holds; safe to repeat."""
        if self._closed:
            return
        self._closed = True
        self._readiness.close()
        closers: list[Callable[[], None]] = [
            background.close for background in self.service.backgrounds if background.close is not None
        ]
        for close in (*closers, *self.service.close):
            try:
                close()
            except Exception:
                log.exception("%s could not give something back", self.name)


class _InService:
    """A step whose log lines say which service it is of."""

    def __init__(self, step: Step, service: str) -> None:
        self._step = step
        self._service = service
        self.name = step.name

    def step(self) -> bool:
        """Take it."""
        with bind(service=self._service):
            return self._step.step()


class LoopFailures(Collector):
    """How often steps raised."""

    def __init__(self, members: Sequence[Running]) -> None:
        self._members = members

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Say it to Prometheus."""
        family = CounterMetricFamily(
            "aloft_loop_failures", "Steps of background loops that raised.", labels=["service", "loop"]
        )
        for member in self._members:
            failures: dict[str, int] = {}
            for loop in member.loops:
                failures[loop.name] = failures.get(loop.name, 0) + loop.failures
            for name, count in failures.items():
                family.add_metric([member.name, name], count)
        yield family


def config_of(settings: RpcSettings) -> ServerConfig:
    """Say a server's configuration from its settings."""
    tls = None
    if settings.tls_cert is not None and settings.tls_key is not None:
        authority = settings.tls_client_ca.read_bytes() if settings.tls_client_ca else None
        tls = Tls(settings.tls_cert.read_bytes(), settings.tls_key.read_bytes(), authority)
    return ServerConfig(
        host=settings.host,
        port=settings.port,
        tls=tls,
        reflection=settings.reflection,
        max_message_bytes=settings.max_message_bytes,
        max_concurrent=settings.max_concurrent,
        threads=settings.threads,
        keepalive_s=settings.keepalive_s,
        connection_age_s=settings.connection_age_s,
    )
