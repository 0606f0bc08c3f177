"""The server: services in, a port out, a drain at the end."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio as health
from grpc_reflection.v1alpha import reflection

from aloft.kit.rpc.admission import Room
from aloft.kit.rpc.config import ServerConfig, Tls
from aloft.kit.rpc.handling import Surroundings
from aloft.kit.rpc.loop import on_loop
from aloft.kit.rpc.registration import StartRefused, handlers
from aloft.kit.rpc.verifiers import Verifier
from aloft.kit.service import Servicer

__all__ = ["Server", "ServerConfig", "StartRefused", "Tls"]


class Server:
    """Serves the servicers of one service, health, and reflection where it is on."""

    def __init__(
        self,
        services: Sequence[Servicer],
        verifier: Verifier,
        config: ServerConfig | None = None,
        *,
        name: str = "",
    ) -> None:
        self._config = config or ServerConfig()
        self._pool = ThreadPoolExecutor(self._config.threads, thread_name_prefix="rpc")
        shared = Surroundings(verifier, self._pool, Room(self._config.max_concurrent), name)
        # Made here, so that a servicer that cannot be served is refused before anything listens.
        self._handlers = {name: found for one in services for name, found in handlers(one, shared).items()}
        self._health = health.HealthServicer()
        self._server: grpc.aio.Server | None = None

    def start(self) -> int:
        """Listen, and say on which port."""
        return on_loop(self._start())

    async def _start(self) -> int:
        server = grpc.aio.server(options=self._config.options())
        for name, found in self._handlers.items():
            server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, found),))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        if self._config.reflection:
            names = (*self._handlers, health_pb2.DESCRIPTOR.services_by_name["Health"].full_name)
            reflection.enable_server_reflection((*names, reflection.SERVICE_NAME), server)
        address = f"{self._config.host}:{self._config.port}"
        tls = self._config.tls
        try:
            if tls is None:
                port = server.add_insecure_port(address)
            else:
                port = server.add_secure_port(address, tls.credentials())
        except RuntimeError as error:
            raise StartRefused(f"cannot listen on {address}: is another process there? ({error})") from None
        await server.start()
        self._server = server
        return port

    def set_health(self, name: str, serving: bool) -> None:
        """Tell probes how it is, under a name such as `readiness`."""
        status = (
            health_pb2.HealthCheckResponse.SERVING if serving else health_pb2.HealthCheckResponse.NOT_SERVING
        )
        on_loop(self._health.set(name, status))

    def stop(self, drain_s: float) -> None:
        """Take no new call, let those in flight finish for so long, then cancel what is left."""
        if self._server is not None:
            on_loop(self._stop(self._server, drain_s))
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _stop(self, server: grpc.aio.Server, drain_s: float) -> None:
        await self._health.enter_graceful_shutdown()
        await server.stop(drain_s)
