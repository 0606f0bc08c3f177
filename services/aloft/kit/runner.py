"""Runs services in this process until it is told to stop, and then stops them in an order that loses nothing.

SIGTERM: not ready, so that routers turn away; a short delay, while they do; the calls in flight finish; the
loops finish the step they are in; what they hold is given back. All of it fits a pod's grace period of 30 s.
"""

import logging
import signal
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from queue import SimpleQueue
from types import FrameType

from prometheus_client import REGISTRY

from aloft.kit.rpc.verifiers import Verifier
from aloft.kit.running import LoopFailures, Member, Running
from aloft.kit.service import Service
from aloft.kit.settings import Settings
from aloft.kit.telemetry import MetricsServer, configure_logging, configure_tracing, flush_traces

__all__ = ["Member", "Runner", "run", "run_all"]

log = logging.getLogger(__name__)

PROBE_EVERY_S = 1.0


class Runner:
    """Several services in one process, or one. Settings of telemetry are the first one's."""

    def __init__(self, members: Sequence[Member]) -> None:
        self._members = [Running(member) for member in members]
        self._settings = members[0].settings
        self._name = members[0].service.name if len(members) == 1 else "aloft"
        # Not an event: setting one in a signal's handler can lock up with whoever is waiting for it.
        self._asked: SimpleQueue[None] = SimpleQueue()
        self._stopping = threading.Event()
        self._prober = threading.Thread(target=self._probe, name="readiness", daemon=True)
        self._opened = ExitStack()
        self.ports: dict[str, int] = {}
        """Where each service listens."""
        self.metrics_port: int | None = None
        """Where Prometheus finds all of them."""

    def start(self) -> None:
        """Listen, then begin the loops. What cannot start gives back what was begun and raises."""
        telemetry = self._settings.telemetry
        configure_logging(self._name, telemetry.log_level, telemetry.log_json)
        configure_tracing(self._name, telemetry.otlp_endpoint)
        try:
            self._observe(telemetry.metrics_host, telemetry.metrics_port)
            for member in self._members:
                self.ports[member.name] = member.start()
        except BaseException:
            self.stop()
            raise
        self._prober.start()

    def _observe(self, host: str, port: int | None) -> None:
        failures = LoopFailures(self._members)
        REGISTRY.register(failures)
        self._opened.callback(REGISTRY.unregister, failures)
        if port is not None:
            server = self._opened.enter_context(MetricsServer(port, host))
            self.metrics_port = server.port
            log.info("metrics on http://%s:%d/metrics", host, server.port)

    def ask_to_stop(self) -> None:
        """Let `wait` return; a signal's handler may call this."""
        self._asked.put(None)

    def wait(self) -> None:
        """Wait until asked to stop."""
        self._asked.get()

    def stop(self) -> None:
        """Drain and end, in order; safe to repeat."""
        self._stopping.set()
        serving = [member for member in self._members if member.serving]
        if self._prober.ident is not None:
            self._prober.join()
        for member in serving:
            member.server.set_health("readiness", False)
        if serving:
            log.info("stopping: not ready any more")
            threading.Event().wait(max(member.settings.rpc.drain_delay_s for member in serving))
        _together([member.drain for member in serving])
        _together([member.stop_loops for member in self._members])
        for member in reversed(self._members):
            member.close()
        flush_traces()
        self._opened.close()
        log.info("stopped")

    def _probe(self) -> None:
        while not self._stopping.is_set():
            for member in self._members:
                member.probe()
            self._stopping.wait(PROBE_EVERY_S)


def _together(actions: Sequence[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=action) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def run_all(members: Sequence[Member]) -> None:
    """Run services until SIGTERM or SIGINT, then stop them in order. A second signal ends it at once."""
    runner = Runner(members)

    def stop(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        runner.ask_to_stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    runner.start()
    runner.wait()
    runner.stop()


def run(service: Service, settings: Settings, verifier: Verifier) -> None:
    """Run one service until SIGTERM or SIGINT."""
    run_all([Member(service, settings, verifier)])
