"""The composition root of embedding: settings in, wired service out."""

from typing import ClassVar

from pydantic import Field

from aloft.api.embedding.v1 import embedding_service_pb2 as api
from aloft.api.embedding.v1.embedding_service_pb2_grpc import add_EmbeddingServiceServicer_to_server
from aloft.embedding.explaining import explain
from aloft.embedding.handlers import EventHandlers
from aloft.embedding.servicer import EmbeddingServicer
from aloft.embedding.use_cases.artefacts import Artefacts
from aloft.embedding.use_cases.embed_pool import EmbedPool, Options
from aloft.embedding.use_cases.pipeline import Feed
from aloft.embedding.use_cases.turns import EMBED
from aloft.kit import assembly
from aloft.kit.jobs import Jobs
from aloft.kit.rpc.explanations import explanations
from aloft.kit.service import Ports, Service, Servicer
from aloft.kit.settings import RpcSettings, Section, TelemetrySettings
from aloft.kit.settings import Settings as KitSettings

NAME = "embedding"


class EmbeddingSettings(Section):
    """How images go through the network."""

    device: str = Field(
        "auto",
        pattern=r"^(auto|cpu|cuda(:\d+)?)$",
        description="auto, cpu, cuda or cuda:N; auto prefers a GPU.",
    )
    torch_threads: int = Field(
        0,
        ge=0,
        le=1024,
        description="Threads of the network on the CPU; 0: one a core. Its bits depend on it.",
    )
    batch_images: int = Field(64, ge=1, le=65536, description="Images that go through the network at once.")
    reader_threads: int = Field(8, ge=1, le=512, description="Images that are read at the same time.")
    shard_images: int = Field(4096, ge=1, le=1_000_000, description="Images in one shard of features.")
    max_image_bytes: int = Field(
        256 * 1024 * 1024, ge=1024, description="A longer object is quarantined instead of read."
    )
    lease_s: float = Field(
        30, ge=1, le=3600, description="After how long a silent worker's job goes to another."
    )


class Settings(KitSettings):
    """Everything that embedding reads."""

    service: ClassVar[str] = NAME

    rpc: RpcSettings = RpcSettings(port=7711)
    telemetry: TelemetrySettings = TelemetrySettings(metrics_port=7721)
    embedding: EmbeddingSettings = EmbeddingSettings()


def build(settings: Settings, ports: Ports) -> Service:
    """Wire the service."""
    own = settings.embedding
    jobs = Jobs(ports.database)
    options = Options(Feed(own.batch_images, own.reader_threads), own.shard_images, own.max_image_bytes)
    artefacts = Artefacts(ports.objects, own.device, own.torch_threads)
    embed = EmbedPool(ports.database, ports.objects, ports.pool, jobs, artefacts, options)
    servicer = Servicer(
        add_EmbeddingServiceServicer_to_server,
        EmbeddingServicer(ports.database, ports.objects, jobs),
        api.DESCRIPTOR.services_by_name["EmbeddingService"].full_name,
    )
    return Service(
        name=NAME,
        database=ports.database,
        servicers=[servicer, explanations(ports.database, NAME, explain)],
        backgrounds=[
            *assembly.events(ports, NAME, EventHandlers(jobs, ports.objects).by_event()),
            *assembly.jobs(ports, {EMBED: embed}, lease_s=own.lease_s),
        ],
    )
