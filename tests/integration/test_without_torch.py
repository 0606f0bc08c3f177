"""What needs no network runs where torch is not installed."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.stack.server import free_port

PATIENCE_S = 30.0

NOT_INSTALLED = """
import sys

class NotInstalled:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"torch", "timm", "torchvision", "lightly"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, NotInstalled())
"""
"""Read by the interpreter before anything else: as it is on a machine without them."""


def is_ready(port: int) -> bool:
    with grpc.insecure_channel(f"127.0.0.1:{port}") as bare:
        stub: Any = health_pb2_grpc.HealthStub(bare)
        try:
            said = stub.Check(health_pb2.HealthCheckRequest(service="readiness"), timeout=2)
        except grpc.RpcError:
            return False
    return bool(said.status == health_pb2.HealthCheckResponse.SERVING)


@pytest.mark.parametrize("service", ["label-store", "acquisition"])
def test_a_service_starts_becomes_ready_and_ends_without_torch(service: str, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(NOT_INSTALLED)
    port = free_port()
    settings = {
        "ALOFT_DATA_DIR": str(tmp_path / "data"),
        "ALOFT_RPC__PORT": str(port),
        "ALOFT_RPC__DRAIN_DELAY_S": "0",
        "ALOFT_TELEMETRY__METRICS_PORT": "0",
        "ALOFT_OBJECTS__HTTP_PORT": "0",
        "PYTHONPATH": str(tmp_path),
    }
    program = "from aloft.cli.main import app; app()"
    log = tmp_path / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-c", program, "serve", service],
            env=os.environ | settings,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline, pause = time.monotonic() + PATIENCE_S, threading.Event()
        while not is_ready(port):
            assert process.poll() is None, f"{service} ended: {log.read_text()}"
            assert time.monotonic() < deadline, f"{service} is not ready: {log.read_text()}"
            pause.wait(0.1)
        process.terminate()
        assert process.wait(PATIENCE_S) == 0, log.read_text()
    finally:
        process.kill()
        process.wait()


def test_what_the_test_hides_is_hidden(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(NOT_INSTALLED)
    done = subprocess.run(
        [sys.executable, "-c", "import torch"],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "No module named 'torch'" in done.stderr
