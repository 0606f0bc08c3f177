"""Services wired from their settings and run until they are told to stop: what `serve` and `up` do."""

import errno
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import grpc
import typer
from kafka.errors import KafkaError
from rich.markup import escape
from sqlalchemy.exc import OperationalError

from aloft.api.labels.v1.vendor_service_pb2 import VerifyKeyRequest
from aloft.api.labels.v1.vendor_service_pb2_grpc import KeyServiceStub
from aloft.cli.output import err
from aloft.cli.services import HELD, LABEL_STORE, NAMES, RUN, SERVING, TRAINER, app_of
from aloft.kit import memory, names
from aloft.kit.bus.port import Bus
from aloft.kit.bus.wiring import TopicsMissing
from aloft.kit.errors import Unauthenticated
from aloft.kit.ports import open_bus, open_objects, open_ports
from aloft.kit.rpc.call import Principal, Role
from aloft.kit.rpc.channel import Identity, channel, error_of
from aloft.kit.rpc.keys import service_key
from aloft.kit.rpc.server import StartRefused
from aloft.kit.rpc.verifiers import ChainVerifier, RemoteVerifier, ServiceKeyVerifier, Verifier
from aloft.kit.runner import Member, run_all
from aloft.kit.settings import Settings, SettingsError, load


def run_one(service: str) -> None:
    """Run one service."""
    if service in HELD:
        memory.hold_freed(HELD[service])
    settings = settings_of(service)
    with starting(), ExitStack() as opened:
        if service == SERVING:
            run_all([serving(settings, opened)])
            return
        bus = open_bus(settings)
        opened.callback(bus.close)
        run_all([member(service, settings, bus, opened)])


def run_embedded(data_dir: Path, port: int) -> None:
    """Run all four in this process, over one bus, and serve what they publish."""
    memory.hold_freed()
    with starting(), ExitStack() as opened:
        members = []
        bus: Bus | None = None
        for offset, service in enumerate(NAMES):
            settings = settings_of(service, data_dir=data_dir)
            rpc = settings.rpc.model_copy(update={"port": port + offset, "label_store": f"127.0.0.1:{port}"})
            objects = settings.objects.model_copy(update={"http_port": port + 20})
            telemetry = settings.telemetry.model_copy(update={"metrics_port": port + 10, "log_json": False})
            settings = settings.model_copy(update={"rpc": rpc, "objects": objects, "telemetry": telemetry})
            if bus is None:
                bus = open_bus(settings)
                opened.callback(bus.close)
            members.append(member(service, settings, bus, opened))
            err.print(f"{service:12} 127.0.0.1:{rpc.port}")
        members.append(_embedded_serving(data_dir, port, opened))
        err.print(f"metrics      http://127.0.0.1:{port + 10}/metrics")
        err.print(f"images       {data_dir / 'pool'} (put yours here)\nCtrl-C stops all of it.")
        run_all(members)


@contextmanager
def starting() -> Iterator[None]:
    """Turn what keeps a service from starting into a sentence and exit code 1."""
    try:
        yield
    except (StartRefused, TopicsMissing, KafkaError, OperationalError) as refused:
        err.print(f"[red]cannot start[/red] {escape(str(refused).splitlines()[0])}")
        raise typer.Exit(1) from refused
    except OSError as refused:
        if refused.errno != errno.EADDRINUSE:
            raise
        err.print("[red]cannot start[/red] a port is taken: is another Aloft running? Choose others.")
        raise typer.Exit(1) from refused


def settings_of(service: str, **given: object) -> Settings:
    """Read a service's settings, or end with a sentence for each that is wrong."""
    cls: type[Settings] = app_of(service).Settings
    try:
        return load(cls, **given)
    except SettingsError as wrong:
        for problem in wrong.problems:
            err.print(f"[red]{problem}[/red]")
        raise typer.Exit(1) from wrong


def member(service: str, settings: Settings, bus: Bus, opened: ExitStack) -> Member:
    """Wire one service, and say who its callers are."""
    app = app_of(service)
    ports, close = open_ports(settings, bus, serve_objects=service == LABEL_STORE)
    opened.callback(close)
    if service == LABEL_STORE:
        verifier: Verifier = app.verifier(settings, ports.database)
    else:
        verifier = _verifier(settings, opened)
    return Member(app.build(settings, ports), settings, verifier)


def serving(settings: Settings, opened: ExitStack) -> Member:
    """Wire the serving agent."""
    app = app_of(SERVING)
    objects, close = open_objects(settings.objects)
    opened.callback(close)
    trainer = _channel(settings, app.trainer_of(settings), opened)
    verifier = ServiceKeyVerifier(settings.rpc.service_secrets())
    return Member(app.build(settings, objects, trainer), settings, verifier)


def _embedded_serving(data_dir: Path, port: int, opened: ExitStack) -> Member:
    settings = settings_of(SERVING, data_dir=data_dir)
    rpc = settings.rpc.model_copy(update={"port": port + RUN.index(SERVING)})
    settings = app_of(SERVING).embedded(settings, f"127.0.0.1:{port + RUN.index(TRAINER)}")
    return serving(settings.model_copy(update={"rpc": rpc}), opened)


def _verifier(settings: Settings, opened: ExitStack) -> Verifier:
    """Services are known by their secret; whose any other key is, the label store says."""
    to_store = _channel(settings, settings.rpc.label_store, opened)
    return ChainVerifier(ServiceKeyVerifier(settings.rpc.service_secrets()), RemoteVerifier(_ask(to_store)))


def _channel(settings: Settings, target: str, opened: ExitStack) -> grpc.Channel:
    rpc = settings.rpc
    key = service_key(rpc.service_secrets()[0], settings.service)
    ca = rpc.ca_file.read_bytes() if rpc.ca_file else None
    identity = None
    if ca and rpc.tls_cert and rpc.tls_key:
        identity = Identity(rpc.tls_cert.read_bytes(), rpc.tls_key.read_bytes())
    return opened.enter_context(channel(target, key=key, ca=ca, identity=identity))


def _ask(to_store: grpc.Channel) -> Callable[[str], Principal | None]:
    stub = KeyServiceStub(to_store)

    def ask(key: str) -> Principal | None:
        try:
            said = stub.VerifyKey(VerifyKeyRequest(secret=key), timeout=5)
        except grpc.RpcError as failure:
            error = error_of(failure)
            if isinstance(error, Unauthenticated):
                return None
            raise error from failure
        campaigns = frozenset(names.CAMPAIGN.parse(one)[0] for one in said.campaigns)
        scope = campaigns if said.role == Role.VENDOR else None
        return Principal(said.principal, Role(said.role), scope)

    return ask
