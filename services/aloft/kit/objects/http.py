"""Serves the bytes behind signed URLs where the store itself speaks no HTTP."""

import json
import logging
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from aloft.kit.objects.byte_ranges import RangeNotSatisfiable, requested_range
from aloft.kit.objects.errors import ObjectMissing, StoreUnavailable
from aloft.kit.objects.port import CHUNK, CONTENT_TYPE, ByteRange, ObjectInfo, Objects
from aloft.kit.objects.signing import PATH, TokenRefused, UrlSigner

log = logging.getLogger(__name__)

IDLE_S = 30
"""A client that says nothing for so long is hung up on."""

CLOSES_WITHIN_S = 0.05
"""How often it looks whether it is to close."""


class SignedObjectServer:
    """Answers `GET` and `HEAD` under `signing.PATH` with exactly the bytes that a token permits."""

    def __init__(self, objects: Objects, signer: UrlSigner, host: str, port: int) -> None:
        self._server = _Server((host, port), partial(_Handler, objects, signer))
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(CLOSES_WITHIN_S,), name="signed-objects", daemon=True
        )

    @property
    def port(self) -> int:
        """The port it listens on: the one that was free, where 0 was asked for."""
        return self._server.server_port

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def close(self) -> None:
        """Stop to accept, and free the port."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        if isinstance(sys.exception(), ConnectionError | TimeoutError):
            log.debug("a client hung up before its answer ended")
        else:
            log.exception("a signed URL could not be answered")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "aloft"
    sys_version = ""
    timeout = IDLE_S

    def __init__(self, objects: Objects, signer: UrlSigner, *connection: Any) -> None:
        self._objects = objects
        self._signer = signer
        super().__init__(*connection)

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def _answer(self) -> None:
        _, found, token = urlsplit(self.path).path.rpartition(PATH)
        if not found:
            return self._refuse(HTTPStatus.NOT_FOUND, "NO_SUCH_PATH", f"signed URLs are under {PATH}")
        try:
            info = self._objects.stat(self._signer.open(token))
            span = requested_range(self.headers.get("Range"), info.size)
        except TokenRefused as refused:
            self._refuse(HTTPStatus.FORBIDDEN, refused.reason, str(refused))
        except ObjectMissing:
            self._refuse(HTTPStatus.NOT_FOUND, "OBJECT_MISSING", "the object is gone")
        except RangeNotSatisfiable as outside:
            self._refuse(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, "RANGE_NOT_SATISFIABLE", str(outside))
        except StoreUnavailable as away:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, away.reason, away.message)
        else:
            self._send(info, span)

    def _send(self, info: ObjectInfo, span: ByteRange | None) -> None:
        self.send_response(HTTPStatus.OK if span is None else HTTPStatus.PARTIAL_CONTENT)
        if span is not None:
            self.send_header("Content-Range", f"bytes {span.start}-{span.end - 1}/{info.size}")
        self.send_header("Content-Type", CONTENT_TYPE)
        self.send_header("Content-Length", str(info.size if span is None else span.length))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("ETag", f'"{info.etag}"')
        self.send_header("Cache-Control", "private")
        self.end_headers()
        if self.command == "GET":
            for piece in self._pieces(info, span or ByteRange(0, info.size)):
                self.wfile.write(piece)

    def _pieces(self, info: ObjectInfo, span: ByteRange) -> Iterator[bytes]:
        for start in range(span.start, span.end, CHUNK):
            yield self._objects.ranges(info.key, [ByteRange(start, min(CHUNK, span.end - start))])[0]

    def _refuse(self, status: HTTPStatus, reason: str, message: str) -> None:
        body = json.dumps({"reason": reason, "message": message}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        # Without the path: its token permits whoever reads the log.
        log.debug("%s from %s answered %s", self.command, self.client_address[0], int(code))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class names it)
        log.debug("a request from %s timed out or is no HTTP", self.client_address[0])
