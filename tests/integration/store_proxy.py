"""A loopback HTTP proxy before an object store: it can rename the host, speak TLS, break off an upload."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

CHUNK = 64 << 10
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


class StoreProxy:
    """Passes requests on to one store, and remembers what it saw."""

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream
        self.hosts: list[str] = []
        self.seen: list[tuple[str, str]] = []
        self.rewrites_host = False
        self.breaks_bodies_after: int | None = None
        """How many bytes of a `PUT` pass before both connections are cut."""
        self.bytes_passed = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.port = self._server.server_port

    @contextmanager
    def running(self, tls: tuple[Path, Path] | None = None) -> Iterator["StoreProxy"]:
        """Serve until the block ends, over TLS where a certificate and its key are given."""
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()


def _handler(proxy: StoreProxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._pass_on()

        def do_HEAD(self) -> None:
            self._pass_on()

        def do_PUT(self) -> None:
            self._pass_on()

        def do_POST(self) -> None:
            self._pass_on()

        def do_DELETE(self) -> None:
            self._pass_on()

        def _pass_on(self) -> None:
            proxy.hosts.append(self.headers["Host"])
            proxy.seen.append((self.command, self.path))
            upstream = HTTPConnection(proxy.upstream, timeout=30)
            try:
                self._request(upstream)
                self._answer(upstream)
            except _Broken:
                self.close_connection = True
            finally:
                upstream.close()

        def _request(self, upstream: HTTPConnection) -> None:
            upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                renamed = proxy.upstream if proxy.rewrites_host and name.lower() == "host" else value
                upstream.putheader(name, renamed)
            upstream.endheaders()
            left = int(self.headers.get("Content-Length", 0))
            while left:
                piece = self.rfile.read(min(CHUNK, left))
                upstream.send(piece)
                left -= len(piece)
                if self.command == "PUT":
                    proxy.bytes_passed += len(piece)
                    if (
                        proxy.breaks_bodies_after is not None
                        and proxy.bytes_passed >= proxy.breaks_bodies_after
                    ):
                        raise _Broken

        def _answer(self, upstream: HTTPConnection) -> None:
            answer = upstream.getresponse()
            body = answer.read()
            self.send_response_only(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in HOP_BY_HOP:
                    self.send_header(name, value)
            length = answer.headers.get("Content-Length", "0") if self.command == "HEAD" else str(len(body))
            self.send_header("Content-Length", length)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class names it)
            """Say nothing: a test reads `seen`."""

    return Handler


class _Broken(Exception):
    """The proxy was told to break off here."""
