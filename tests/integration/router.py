"""A stand-in for a cluster's router: each new connection goes to a server that is ready, old ones stay."""

import contextlib
import socket
import threading
from collections.abc import Sequence


class Router:
    """Forwards bytes from one loopback port to the backends' in turn."""

    def __init__(self, backends: Sequence[int]) -> None:
        self.backends = list(backends)
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            backend = self.backends[self.connections % len(self.backends)]
            server = socket.create_connection(("127.0.0.1", backend))
            threading.Thread(target=_join, args=(client, server), daemon=True).start()


def _join(client: socket.socket, server: socket.socket) -> None:
    with client, server:
        back = threading.Thread(target=_pump, args=(server, client), daemon=True)
        back.start()
        _pump(client, server)
        back.join()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):  # either side may break off
        while data := source.recv(65536):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
