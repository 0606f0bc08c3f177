"""Prometheus metrics over HTTP, in a thread."""

from typing import Self

from prometheus_client import REGISTRY, CollectorRegistry, disable_created_metrics, start_http_server

# A second series for each counter, with the time it began: no dashboard reads it.
disable_created_metrics()  # type: ignore[no-untyped-call]


class MetricsServer:
    """Serves `/metrics` on an address of this machine; port 0 means any free one."""

    def __init__(self, port: int, host: str = "127.0.0.1", registry: CollectorRegistry = REGISTRY) -> None:
        self._server, self._thread = start_http_server(port, host, registry)
        self.port: int = self._server.server_port

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
