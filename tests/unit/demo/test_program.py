"""The vendor as a program: a process of its own, against a real gRPC server and real HTTP."""

import contextlib
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import grpc
import pytest

from aloft.api.labels.v1 import labelling_service_pb2 as pb
from aloft.api.labels.v1 import labelling_service_pb2_grpc as pb_grpc
from aloft.demo.download import fetcher
from aloft.demo.simulated import UrlGone
from aloft.demo.truth import Truth
from aloft.kit.errors import Unavailable
from tests.unit.demo.labelling import FakeLabelling, digest, files

_Unimplemented: Any = pb_grpc.LabellingServiceServicer


class Served(_Unimplemented):  # type: ignore[misc]
    """The small label store behind gRPC, its images behind HTTP."""

    def __init__(self, store: FakeLabelling, base: str) -> None:
        self.store = store
        self.base = base
        self.keys: set[str] = set()

    def LeaseTasks(self, request: pb.LeaseTasksRequest, context: Any) -> pb.LeaseTasksResponse:  # noqa: N802
        self.keys |= {value for name, value in context.invocation_metadata() if name == "authorization"}
        answer = self.store.lease_tasks(request)
        for task in answer.tasks:
            task.image_url = f"{self.base}/{task.image}"
        return answer

    def SubmitAnnotations(  # noqa: N802
        self, request: pb.SubmitAnnotationsRequest, context: Any
    ) -> pb.SubmitAnnotationsResponse:
        return self.store.submit_annotations(request)


@contextlib.contextmanager
def http_of(images: dict[str, bytes]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.removeprefix("/")
            code = int(name) if name.isdecimal() else 200
            self.send_response(code)
            data = images.get(name, b"")
            self.send_header("Content-Length", str(len(data) + (10 if name == "cut" else 0)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_it_labels_over_grpc_and_http_and_ends_on_sigterm(tmp_path: Path) -> None:
    store = FakeLabelling(files(5))
    Truth(("water",), {digest(data): ["water"] for data in store.images.values()}).save(
        tmp_path / "truth.json"
    )
    (tmp_path / "key").write_text("secret\n")
    with http_of(store.images) as base:
        server = grpc.server(ThreadPoolExecutor(2))
        served = Served(store, base)
        pb_grpc.add_LabellingServiceServicer_to_server(served, server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        command = [sys.executable, "-m", "aloft.demo.vendor", "--target", f"127.0.0.1:{port}"]
        command += ["--key-file", str(tmp_path / "key"), "--truth", str(tmp_path / "truth.json")]
        program = subprocess.Popen(
            [*command, "--campaign", "c", "--max-tasks", "2"], stderr=subprocess.PIPE, text=True
        )
        try:
            deadline = time.monotonic() + 30
            while len(store.annotations) < 5 and program.poll() is None:
                assert time.monotonic() < deadline, f"it labelled only {store.annotations}"
                threading.Event().wait(0.02)
            program.send_signal(signal.SIGTERM)
            said = program.communicate(timeout=20)[1]
        finally:
            program.kill()
            server.stop(None).wait()
    assert program.returncode == 0, said
    assert "stopped after 5 labels" in said
    assert served.keys == {"Bearer secret"}
    assert store.annotations == {name: ["water"] for name in store.images}


def test_a_download_says_what_is_gone_and_what_may_come_back() -> None:
    fetch = fetcher()
    with http_of({"a": b"bytes", "cut": b"by"}) as base:
        assert fetch(f"{base}/a") == b"bytes"
        for code in (403, 404, 410):
            with pytest.raises(UrlGone, match=str(code)):
                fetch(f"{base}/{code}")
        for passing in ("503", "429", "cut"):
            with pytest.raises(Unavailable):
                fetch(f"{base}/{passing}")
    with pytest.raises(Unavailable):
        fetch(f"{base}/a")
