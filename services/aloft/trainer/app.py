"""The composition root of the trainer: settings in, wired service out."""

from typing import ClassVar

from pydantic import Field

from aloft.api.trainer.v1 import trainer_service_pb2 as api
from aloft.api.trainer.v1.trainer_service_pb2_grpc import add_TrainerServiceServicer_to_server
from aloft.kit import assembly
from aloft.kit.jobs import Jobs
from aloft.kit.service import Ports, Service, Servicer
from aloft.kit.settings import RpcSettings, Section, TelemetrySettings
from aloft.kit.settings import Settings as KitSettings
from aloft.trainer.handlers import EventHandlers
from aloft.trainer.servicer import TrainerServicer
from aloft.trainer.use_cases.create_run import BASE
from aloft.trainer.use_cases.make_base import MakeBase

NAME = "trainer"


class RunSettings(Section):
    """How runs work."""

    workers: int = Field(1, ge=1, le=64, description="How many runs are at work at once in this process.")
    lease_s: float = Field(
        30, ge=5, le=3600, description="After how long a silent worker's run goes to another."
    )


class Settings(KitSettings):
    """Everything that the trainer reads."""

    service: ClassVar[str] = NAME

    rpc: RpcSettings = RpcSettings(port=7713)
    telemetry: TelemetrySettings = TelemetrySettings(metrics_port=7723)
    runs: RunSettings = RunSettings()


def build(settings: Settings, ports: Ports) -> Service:
    """Wire the service."""
    jobs = Jobs(ports.database)
    servicer = Servicer(
        add_TrainerServiceServicer_to_server,
        TrainerServicer(ports.database, jobs),
        api.DESCRIPTOR.services_by_name["TrainerService"].full_name,
    )
    make_base = MakeBase(ports.database, ports.objects)
    return Service(
        name=NAME,
        database=ports.database,
        servicers=[servicer],
        backgrounds=[
            *assembly.events(ports, NAME, EventHandlers(jobs).by_event()),
            *assembly.jobs(
                ports, {BASE: make_base}, lease_s=settings.runs.lease_s, threads=settings.runs.workers
            ),
        ],
    )
