"""Acquisition's composition root: settings in, wired service out."""

from typing import ClassVar

from pydantic import Field

from aloft.acquisition.asking import RESPONSES
from aloft.acquisition.explaining import explain
from aloft.acquisition.handlers import handlers
from aloft.acquisition.preview import COMPARE, PREVIEW, PreviewJob
from aloft.acquisition.rank import RankJob
from aloft.acquisition.servicer import AcquisitionServicer
from aloft.acquisition.situation import RANK, RERANK
from aloft.api.acquisition.v1 import acquisition_service_pb2 as pb
from aloft.api.acquisition.v1 import acquisition_service_pb2_grpc as pb_grpc
from aloft.kit import assembly
from aloft.kit.jobs import Jobs
from aloft.kit.rpc.explanations import explanations
from aloft.kit.rpc.operations import operations
from aloft.kit.service import Ports, Service, Servicer
from aloft.kit.settings import RpcSettings, Section, TelemetrySettings
from aloft.kit.settings import Settings as KitSettings

NAME = "acquisition"


class RankingSettings(Section):
    """How pools are ranked."""

    workers: int = Field(1, ge=1, le=64, description="How many campaigns are ranked at once by this process.")
    lease_s: float = Field(
        30, ge=5, le=3600, description="How long a worker that says nothing keeps its campaign, in seconds."
    )
    preview_s: float = Field(
        900,
        ge=10,
        le=86_400,
        description="How long one strategy may take to say what it would select, in seconds.",
    )


class Settings(KitSettings):
    """The settings of acquisition."""

    service: ClassVar[str] = NAME

    rpc: RpcSettings = RpcSettings(port=7712)
    telemetry: TelemetrySettings = TelemetrySettings(metrics_port=7722)
    ranking: RankingSettings = RankingSettings()


def build(settings: Settings, ports: Ports) -> Service:
    """Wire the service."""
    jobs = Jobs(ports.database)
    rank = RankJob(ports.database, ports.objects, jobs)
    ranking = settings.ranking
    look = PreviewJob(ports.database, ports.objects, ranking.preview_s)
    servicer = Servicer(
        pb_grpc.add_AcquisitionServiceServicer_to_server,
        AcquisitionServicer(ports.database, ports.objects, jobs),
        pb.DESCRIPTOR.services_by_name["AcquisitionService"].full_name,
    )
    return Service(
        name=NAME,
        database=ports.database,
        servicers=[
            servicer,
            operations(jobs, RESPONSES),
            explanations(ports.database, NAME, explain),
        ],
        backgrounds=[
            *assembly.events(ports, NAME, handlers(jobs, ports.objects)),
            *assembly.jobs(
                ports,
                {RANK: rank, RERANK: rank.rerank},
                lease_s=ranking.lease_s,
                threads=ranking.workers,
            ),
            # On a thread of their own: no batch waits for somebody who only asks what would be.
            *assembly.jobs(ports, {PREVIEW: look.preview, COMPARE: look.compare}, lease_s=ranking.lease_s),
        ],
    )
