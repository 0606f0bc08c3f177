"""The serving agent as a pod runs it: wired by its composition root, over gRPC, beside a real TorchServe."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from aloft.api.trainer.v1 import trainer_service_pb2 as api
from aloft.kit.objects.directory import DirectoryObjects
from aloft.kit.rpc.call import Call, Role, allow
from aloft.kit.rpc.channel import channel
from aloft.kit.rpc.keys import service_key
from aloft.kit.rpc.server import Server
from aloft.kit.rpc.verifiers import ServiceKeyVerifier
from aloft.kit.runner import Member, Runner
from aloft.kit.service import Service, Servicer
from aloft.serving import app
from aloft.serving.golden import golden_inputs
from aloft.serving.torchserve.adapter import Loading, TorchServe
from aloft.serving.torchserve.api import Api
from tests.integration.serving_world import SPEC, Made, made
from tests.stack.server import children, wait_for_end
from tests.stack.torchserve import TorchServe as ModelServer

SERVICE = api.DESCRIPTOR.services_by_name["TrainerService"].full_name
SECRET = "of-tests-and-thirty-two-characters-long"
PATIENCE_S = 30.0


class Trainer:
    """The trainer's side of serving, a page for each campaign. Its methods know no gRPC."""

    def __init__(self) -> None:
        self.wanted: dict[str, api.DesiredServing] = {}
        self.heard: list[api.Serving] = []

    def want(self, version: Made, generation: int) -> None:
        self.wanted[version.campaign] = api.DesiredServing(
            campaign=version.campaign,
            version=version.version,
            generation=generation,
            archive_key=version.key,
            archive_digest=version.digest,
        )

    @allow(Role.SERVICE)
    def ListDesiredServing(  # noqa: N802
        self, request: api.ListDesiredServingRequest, call: Call
    ) -> api.ListDesiredServingResponse:
        names = [name for name in sorted(self.wanted) if name > request.page_token]
        shown = [self.wanted[name] for name in names[:1]]
        token = names[0] if len(names) > 1 else ""
        return api.ListDesiredServingResponse(desired_servings=shown, next_page_token=token)

    @allow(Role.SERVICE)
    def ReportServing(  # noqa: N802
        self, request: api.ReportServingRequest, call: Call
    ) -> api.ReportServingResponse:
        self.heard.append(request.serving)
        return api.ReportServingResponse()


def register(trainer: Trainer, server: Any) -> None:
    calls: list[tuple[Any, Any, Any]] = [
        (trainer.ListDesiredServing, api.ListDesiredServingRequest, api.ListDesiredServingResponse),
        (trainer.ReportServing, api.ReportServingRequest, api.ReportServingResponse),
    ]
    handlers = {
        call.__name__: grpc.unary_unary_rpc_method_handler(call, asked.FromString, answer.SerializeToString)
        for call, asked, answer in calls
    }
    server.add_registered_method_handlers(SERVICE, handlers)


@pytest.fixture
def trainer() -> Trainer:
    return Trainer()


@pytest.fixture
def to_trainer(trainer: Trainer) -> Iterator[grpc.Channel]:
    server = Server([Servicer(register, trainer, SERVICE)], ServiceKeyVerifier((SECRET,)))
    with channel(f"127.0.0.1:{server.start()}", key=service_key(SECRET, "serving")) as opened:
        yield opened
    server.stop(5)


@pytest.fixture
def objects(tmp_path: Path) -> DirectoryObjects:
    return DirectoryObjects(tmp_path / "objects")


def settings(folder: Path, server: ModelServer | None = None) -> app.Settings:
    made = app.Settings(data_dir=folder)
    own: dict[str, object] = {"poll_s": 0.1, "pod": "pod-0"}
    if server is not None:
        addresses = {"management_url": server.management, "inference_url": server.inference}
        places = {"key_file": server.key_file, "model_store": server.store}
        own |= {"kind": "torchserve", **addresses, **places}
    made.serving = made.serving.model_copy(update=own)
    made.rpc = made.rpc.model_copy(update={"port": 0, "drain_delay_s": 0})
    made.telemetry = made.telemetry.model_copy(update={"metrics_port": None})
    return made


def stepped(service: Service, until: Callable[[], bool], what: str) -> None:
    (background,) = service.backgrounds
    deadline, pause = time.monotonic() + PATIENCE_S, threading.Event()
    while not until():
        assert time.monotonic() < deadline, f"{what}: not within {PATIENCE_S:.0f} s"
        background.step.step()
        pause.wait(0.05)


def test_a_pod_that_is_killed_and_wiped_comes_back_to_what_is_desired(
    own_torchserve: Callable[[], ModelServer],
    trainer: Trainer,
    to_trainer: grpc.Channel,
    objects: DirectoryObjects,
    tmp_path: Path,
) -> None:
    server = own_torchserve()
    agent = app.build(settings(tmp_path, server), objects, to_trainer)
    for version, generation in ((made("airport", 1, labels=()), 1), (made("harbour", 6), 9)):
        objects.put(version.key, version.archive)
        trainer.want(version, generation)

    def served(campaign: str) -> bool:
        said = [one for one in trainer.heard if one.campaign == campaign]
        return bool(said) and said[-1].state == api.Serving.STATE_SERVED

    stepped(agent, lambda: served("airport") and served("harbour"), "both campaigns are served")
    said = trainer.heard[-1]
    assert (said.pod, said.version, said.generation) == ("pod-0", 6, 9)
    workers = children(server.pid)
    assert len(workers) >= 2

    os.kill(server.pid, signal.SIGKILL)
    assert not wait_for_end(workers, limit_s=20), "workers outlive the server that was killed"
    server.wipe()
    stepped(agent, lambda: not served("harbour"), "the loss is reported")
    assert agent.problem is not None
    assert "airport" in agent.problem(), "a pod is ready that serves nothing"

    server.start()
    trainer.heard.clear()
    stepped(agent, lambda: served("airport") and served("harbour"), "both are served again")
    assert agent.problem() == ""
    reached = TorchServe(
        Api(server.management, server.inference, server.key_file, 30), server.store, Loading()
    )
    (answer,) = reached.predict("harbour", None, golden_inputs(SPEC, 0)[:1])
    assert (answer.body["version"], answer.body["digest"]) == (6, trainer.wanted["harbour"].archive_digest)


def test_the_agent_owns_the_readiness_of_its_pod(
    trainer: Trainer, to_trainer: grpc.Channel, objects: DirectoryObjects, tmp_path: Path
) -> None:
    version = made("harbour", 1)
    trainer.want(version, 1)
    own = settings(tmp_path)
    objects.put(version.key, version.archive)
    runner = Runner([Member(app.build(own, objects, to_trainer), own, ServiceKeyVerifier((SECRET,)))])
    runner.start()
    try:
        with grpc.insecure_channel(f"127.0.0.1:{runner.ports['serving']}") as bare:
            stub: Any = health_pb2_grpc.HealthStub(bare)
            asked = health_pb2.HealthCheckRequest(service="readiness")
            deadline, pause = time.monotonic() + PATIENCE_S, threading.Event()
            while stub.Check(asked, timeout=5).status != health_pb2.HealthCheckResponse.SERVING:
                assert time.monotonic() < deadline, "the pod does not become ready"
                pause.wait(0.05)
    finally:
        runner.stop()
    assert [one.state for one in trainer.heard][-1] == api.Serving.STATE_SERVED
