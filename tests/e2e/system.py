"""The whole system as processes, one embedded or four on real servers, and what a test reads of it."""

import json
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from sqlalchemy import text

from aloft.cli.connection import PORTS
from aloft.kit.bus.port import Bus
from aloft.kit.database import Database
from aloft.kit.objects.port import Objects
from aloft.kit.rpc.channel import channel
from aloft.serving.port import Registered
from tests.e2e.program import Answer, Program, eventually, run
from tests.stack.server import free_port

SERVICES = tuple(PORTS)
"""The services as a user types them: their programs' names where each is a process."""
STARTED_S = 60.0


def schema_of(service: str) -> str:
    """Say what a service's database is called."""
    return service.replace("-", "_")


@dataclass
class System:
    """A system that can be started, asked, broken and stopped."""

    folder: Path
    """Of logs; nothing that a service reads."""
    programs: Mapping[str, Program]
    targets: Mapping[str, str]
    """Where each service answers."""
    metrics_ports: Sequence[int]
    admin_env: Mapping[str, str]
    """With what `aloft admin bootstrap` finds the label store's database."""
    bootstrap_options: Sequence[str]
    databases: Mapping[str, Database]
    """By schema."""
    open_bus: Callable[[], Bus]
    objects: Objects
    pool: Objects
    """The bucket of images, as their owner writes it."""
    registered: Callable[[], Sequence[Registered]] | None = None
    """What the model server says that it has; in process, only the agent's reports tell."""
    key: str = ""
    clients: list[Program] = field(default_factory=list)

    def start(self, *names: str) -> None:
        """Start programs, or all, and wait until every service answers."""
        for name in names or self.programs:
            self.programs[name].start()
        for service in self.targets:
            eventually(lambda name=service: self._ready(name), f"{service} is ready", STARTED_S)  # type: ignore[misc]

    def _ready(self, service: str) -> bool:
        ended = [one.name for one in self.programs.values() if one.process is not None and not one.alive()]
        assert not ended, f"ended by themselves: {ended}"
        stub: Any = health_pb2_grpc.HealthStub
        request = health_pb2.HealthCheckRequest(service="readiness")
        with grpc.insecure_channel(self.targets[service]) as opened:
            try:
                said = stub(opened).Check(request, timeout=1)
            except grpc.RpcError:
                return False
        return bool(said.status == health_pb2.HealthCheckResponse.SERVING)

    def bootstrap(self) -> None:
        """Make the first administrator's key."""
        answer = run(["admin", "bootstrap", *self.bootstrap_options], self.admin_env)
        assert answer.code == 0, f"bootstrap was refused: {answer.err}"
        self.key = answer.out.strip()

    def ask(self, *arguments: str) -> Answer:
        """Run a client command."""
        return run(arguments, self.client_env())

    def aloft(self, *arguments: str) -> Any:
        """Run a client command that must succeed, with `--json`, and read its answer."""
        answer = self.ask(*arguments, "--json")
        assert answer.code == 0, f"aloft {' '.join(arguments)} ended with {answer.code}: {answer.err}"
        return json.loads(answer.out)

    def client(self, name: str, command: Sequence[str], env: Mapping[str, str] | None = None) -> Program:
        """Start a client that goes on while the test does other things."""
        log = self.folder / f"{name}.log"
        program = Program(name, command, self.client_env() if env is None else env, log)
        self.clients.append(program)
        return program.start()

    def client_env(self) -> dict[str, str]:
        """Say what a client is told."""
        targets = {f"ALOFT_{schema_of(name).upper()}_TARGET": where for name, where in self.targets.items()}
        return {"ALOFT_KEY": self.key, **targets}

    def another(self, name: str) -> Program:
        """Say how a second process of a service is run beside the first, on ports of its own."""
        first = self.programs[name]
        ports = {"ALOFT_RPC__PORT": str(free_port()), "ALOFT_TELEMETRY__METRICS_PORT": str(free_port())}
        log = self.folder / f"{name}-beside.log"
        program = Program(f"{name}-beside", first.command, {**first.env, **ports}, log)
        self.clients.append(program)
        return program

    def served(self, campaign: str) -> dict[int, str]:
        """Say under which digest each version that is served answers."""
        if self.registered is not None:
            mine = [one for one in self.registered() if one.campaign == campaign and one.ready]
            return {one.version: one.digest for one in mine}
        query = "SELECT version, digest FROM servings WHERE campaign = :c AND state = 'served'"
        return {row.version: row.digest for row in self.rows("trainer", query, c=campaign)}

    def promoted(self, campaign: str) -> dict[int, str]:
        """Say the digest of the archive of every promoted version."""
        query = "SELECT version, archive_digest FROM models WHERE campaign = :c AND promoted"
        return {row.version: row.archive_digest for row in self.rows("trainer", query, c=campaign)}

    @contextmanager
    def channel(self, service: str, key: str) -> Iterator[grpc.Channel]:
        """Open a channel to a service."""
        with channel(self.targets[service], key=key) as opened:
            yield opened

    def rows(self, service: str, query: str, **values: object) -> list[Any]:
        """Ask a service's database."""
        with self.databases[schema_of(service)].read() as tx:
            return list(tx.execute(text(query), values).all())

    def metrics(self) -> str:
        """Read what Prometheus would, of every process."""
        pages = []
        for port in self.metrics_ports:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as page:
                pages.append(page.read().decode())
        return "\n".join(pages)

    def stop(self) -> None:
        """Stop the services as a scheduler would; each must end well."""
        for program in self.programs.values():
            assert program.alive(), f"{program.name} had ended before it was told to"
        for program in self.programs.values():
            program.ask_to_stop()
        codes = {name: program.wait(30) for name, program in self.programs.items()}
        assert set(codes.values()) == {0}, f"exit codes after SIGTERM: {codes}"

    def tails(self) -> str:
        """Give the end of every log."""
        return "\n".join(program.tail() for program in [*self.programs.values(), *self.clients])

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Add the ends of all logs to whatever the block fails with."""
        try:
            yield
        except BaseException as failure:
            failure.add_note(self.tails())
            raise

    def close(self) -> None:
        """End what is left and give everything back."""
        with ExitStack() as exits:
            for database in self.databases.values():
                exits.callback(database.close)
            for program in [*self.clients, *self.programs.values()]:
                if program.alive():
                    exits.callback(program.kill)
