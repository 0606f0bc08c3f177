"""The composition root of the serving agent, which has no database and no bus: settings in, service out."""

import socket
from pathlib import Path
from typing import ClassVar, Literal, Self

import grpc
from pydantic import Field, model_validator

from aloft.kit.clock import SystemClock
from aloft.kit.objects.port import Objects
from aloft.kit.service import Background, Service
from aloft.kit.settings import RpcSettings, Section, TelemetrySettings
from aloft.kit.settings import Settings as KitSettings
from aloft.serving.agent import ServingAgent
from aloft.serving.desired import TrainerClient
from aloft.serving.generations import Generations
from aloft.serving.inprocess import InProcess
from aloft.serving.port import Serving
from aloft.serving.tidying import Tidying
from aloft.serving.torchserve.adapter import Loading, TorchServe
from aloft.serving.torchserve.api import Api

NAME = "serving"
_LOOPBACK_URL = r"^http://(127\.0\.0\.1|localhost|\[::1\]):\d+$"


class ServingSettings(Section):
    """What is served, and by what."""

    kind: Literal["inprocess", "torchserve"] = Field(
        "inprocess", description="Answer in this process, or manage the TorchServe beside it."
    )
    trainer: str = Field(
        "127.0.0.1:7713", pattern=r"^[^\s/]+:\d+$", description="Where the trainer answers, host:port."
    )
    pod: str = Field("", max_length=253, description="This pod's name in reports; by default the host's.")
    management_url: str = Field(
        "http://127.0.0.1:8081", pattern=_LOOPBACK_URL, description="TorchServe's management API: loopback."
    )
    inference_url: str = Field(
        "http://127.0.0.1:8080", pattern=_LOOPBACK_URL, description="TorchServe's predictions, from this pod."
    )
    key_file: Path = Field(
        Path("key_file.json"), description="TorchServe's tokens: in the folder that it was started in."
    )
    model_store: Path = Field(
        Path(), description="TorchServe's model store; by default serving/store/ in the data folder."
    )
    device: str = Field(
        "auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$", description="In process: auto, cpu, cuda or cuda:N."
    )
    workers: int = Field(1, ge=1, le=64, description="Workers of each version.")
    max_workers: int = Field(
        16, ge=2, le=1024, description="Workers of all versions: one version more than there are campaigns."
    )
    batch_images: int = Field(16, ge=1, le=1024, description="Requests that are answered at once.")
    batch_delay_ms: int = Field(20, ge=0, le=10_000, description="How long a request waits for others.")
    response_timeout_s: int = Field(
        60, ge=1, le=3600, description="How long a batch, or a management call, may take."
    )
    keep_versions: int = Field(2, ge=1, le=100, description="Versions of a campaign that stay registered.")
    drain_s: float = Field(
        60, ge=0, le=86400, description="How long a version stays after another became the default."
    )
    poll_s: float = Field(2, ge=0.1, le=3600, description="How often the trainer is asked what is desired.")


class Settings(KitSettings):
    """Everything that the serving agent reads."""

    service: ClassVar[str] = NAME

    rpc: RpcSettings = RpcSettings(port=7714)
    telemetry: TelemetrySettings = TelemetrySettings(metrics_port=7724)
    serving: ServingSettings = ServingSettings()

    @model_validator(mode="after")
    def _places(self) -> Self:
        unset: dict[str, object] = {}
        if self.serving.model_store == Path():
            unset["model_store"] = self.data_dir / NAME / "store"
        if not self.serving.pod:
            unset["pod"] = socket.gethostname()
        self.serving = self.serving.model_copy(update=unset)
        return self


def trainer_of(settings: Settings) -> str:
    """Say where the trainer answers."""
    return settings.serving.trainer


def embedded(settings: Settings, trainer: str) -> Settings:
    """Answer in this process, for a trainer that is in it too."""
    own = settings.serving.model_copy(update={"kind": "inprocess", "trainer": trainer})
    return settings.model_copy(update={"serving": own})


def build(settings: Settings, objects: Objects, trainer: grpc.Channel) -> Service:
    """Wire the service."""
    own = settings.serving
    clock = SystemClock()
    serving = _serving(own)
    tidying = Tidying(
        serving, clock, keep=own.keep_versions, max_workers=own.max_workers, drain_s=own.drain_s
    )
    agent = ServingAgent(
        TrainerClient(trainer, own.pod),
        objects,
        serving,
        Generations(settings.data_dir / NAME / "generations.json"),
        tidying,
        clock,
        poll_s=own.poll_s,
    )
    return Service(NAME, None, servicers=(), backgrounds=[Background(agent)], problem=agent.problem)


def _serving(own: ServingSettings) -> Serving:
    if own.kind == "inprocess":
        return InProcess(own.device)
    api = Api(own.management_url, own.inference_url, own.key_file, timeout_s=own.response_timeout_s + 5)
    loading = Loading(own.workers, own.batch_images, own.batch_delay_ms, own.response_timeout_s)
    return TorchServe(api, own.model_store, loading)
