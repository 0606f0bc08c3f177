"""A server that goes away under load loses no call."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc
import pytest
from google.protobuf.wrappers_pb2 import StringValue

from aloft.kit.rpc.call import Call, Role, allow
from aloft.kit.rpc.channel import channel
from aloft.kit.rpc.server import Server, ServerConfig
from tests.integration.echo import Echo, Keys, method, say, servicer
from tests.integration.router import Router

CALLERS = 12
POOL = ("grpc.use_local_subchannel_pool", 1)
PATIENCE_S = 20.0


class Slow(Echo):
    """Takes a while, so that calls are always in flight."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    @allow(Role.VENDOR)
    def echo(self, request: StringValue, call: Call) -> StringValue:
        """Answer in 10 ms."""
        self.count += 1
        threading.Event().wait(0.01)
        return request


class Load:
    """Callers that call without a pause, and remember what failed."""

    def __init__(self, connect: Callable[[], grpc.Channel]) -> None:
        self._connect = connect
        self._over = threading.Event()
        self.done = 0
        self.failed: list[grpc.RpcError] = []

    def until(self, happens: Callable[[], bool], what: str) -> None:
        """Go on until something holds."""
        deadline = time.monotonic() + PATIENCE_S
        while not happens():
            assert time.monotonic() < deadline, (
                f"{what}: not within {PATIENCE_S:.0f} s; failed: {self.failed[:3]}"
            )
            self._over.wait(0.02)

    def _call(self) -> None:
        with self._connect() as opened:
            echo = method(opened, "echo")
            while not self._over.is_set():
                try:
                    echo(StringValue(value="x"), timeout=10, metadata=[("authorization", "Bearer acme")])
                    self.done += 1
                except grpc.RpcError as failure:
                    self.failed.append(failure)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Call from several threads during the block."""
        callers = [threading.Thread(target=self._call) for _ in range(CALLERS)]
        for caller in callers:
            caller.start()
        try:
            yield
        finally:
            self._over.set()
            for caller in callers:
                caller.join(PATIENCE_S)


@pytest.fixture
def two() -> Iterator[list[tuple[Server, Slow, int]]]:
    echoes = [Slow(), Slow()]
    config = ServerConfig(connection_age_s=0.5)
    servers = [Server([servicer(echo)], Keys(), config) for echo in echoes]
    ports = [server.start() for server in servers]
    yield list(zip(servers, echoes, ports, strict=True))
    for server in servers:
        server.stop(0)


def test_any_client_behind_a_router_loses_no_call(two: list[tuple[Server, Slow, int]]) -> None:
    (leaving, left, port), (_, stays, other) = two
    router = Router([port, other])
    # A client as gRPC makes it: it repeats what no server has seen, and nothing that one has begun.
    load = Load(lambda: grpc.insecure_channel(f"127.0.0.1:{router.port}", [POOL]))
    with load.running():
        load.until(lambda: left.count > 20 and stays.count > 20, "both servers are called")
        router.backends = [other]  # as a router does once the server is not ready
        seen = [0, 0.0]

        def quiet() -> bool:
            if left.count != seen[0]:
                seen[:] = [left.count, time.monotonic()]
            return time.monotonic() - seen[1] > 0.3

        load.until(quiet, "every client has left the server")
        leaving.stop(10)
        after = load.done
        load.until(lambda: load.done > after + 50, "the other server serves on")
    router.close()
    assert not load.failed, f"{len(load.failed)} of {load.done} calls failed: {load.failed[:3]}"


def test_our_own_client_loses_no_call_even_where_nothing_routes(two: list[tuple[Server, Slow, int]]) -> None:
    (leaving, left, port), (_, _, other) = two
    target = f"ipv4:127.0.0.1:{port},127.0.0.1:{other}"
    load = Load(lambda: channel(target, options=[("grpc.lb_policy_name", "round_robin"), POOL]))
    with load.running():
        load.until(lambda: left.count > 20, "the server is called")
        leaving.stop(10)
        after = load.done
        load.until(lambda: load.done > after + 50, "the other server serves on")
    assert not load.failed, f"{len(load.failed)} of {load.done} calls failed: {load.failed[:3]}"


def test_a_call_in_flight_is_answered_before_the_server_ends() -> None:
    echo = Echo()
    server = Server([servicer(echo)], Keys())
    port = server.start()
    with channel(f"127.0.0.1:{port}", key="acme") as opened, ThreadPoolExecutor(2) as pool:
        answer = pool.submit(say, opened, "wait", "patient")
        assert echo.entered.acquire(timeout=PATIENCE_S), "the call did not begin"
        stopping = pool.submit(server.stop, 20)
        assert not stopping.done(), "the server did not wait"
        echo.release.set()
        assert answer.result(PATIENCE_S) == "patient", "the call was cut off"
        stopping.result(PATIENCE_S)


def test_a_call_that_outlasts_the_drain_is_ended() -> None:
    echo = Echo()
    server = Server([servicer(echo)], Keys())
    port = server.start()
    quick = [("grpc.enable_retries", 0)]
    with channel(f"127.0.0.1:{port}", key="acme", options=quick) as opened, ThreadPoolExecutor(1) as pool:
        answer = pool.submit(say, opened, "wait", "too long")
        assert echo.entered.acquire(timeout=PATIENCE_S), "the call did not begin"
        server.stop(0.1)
        assert isinstance(answer.exception(PATIENCE_S), grpc.RpcError), "the call outlived its server"
        echo.release.set()
