"""The composition root of the trainer: settings in, wired service out.

The calls, the events and the runs are threads of one process, and torch is imported when the first run
begins. To split them, give some processes `ALOFT_RUNS__WORKERS=0`: these answer calls and take in events, and
never hold torch; others, on the machines with accelerators, work on the runs. All share the database.
"""

from pathlib import Path
from typing import ClassVar

from pydantic import Field

from aloft.api.trainer.v1 import trainer_service_pb2 as api
from aloft.api.trainer.v1.trainer_service_pb2_grpc import add_TrainerServiceServicer_to_server
from aloft.kit import assembly
from aloft.kit.jobs import Handler, Jobs
from aloft.kit.rpc.explanations import explanations
from aloft.kit.service import Background, Ports, Service, Servicer
from aloft.kit.settings import RpcSettings, Section, TelemetrySettings
from aloft.kit.settings import Settings as KitSettings
from aloft.trainer import metrics
from aloft.trainer.domain.runs import BASE, FINE_TUNE
from aloft.trainer.explaining import explain
from aloft.trainer.handlers import EventHandlers
from aloft.trainer.servicers import TrainerServicer
from aloft.trainer.use_cases.fine_tune import FineTune
from aloft.trainer.use_cases.follow_up import FOLLOW_UP, FollowUp
from aloft.trainer.use_cases.make_base import MakeBase
from aloft.trainer.use_cases.means import Leftovers, Means, Options

NAME = "trainer"


class RunSettings(Section):
    """How runs work."""

    workers: int = Field(
        2, ge=0, le=64, description="How many runs are at work at once in this process; 0 only answers calls."
    )
    lease_s: float = Field(
        30, ge=5, le=3600, description="After how long a silent worker's run goes to another."
    )
    device: str = Field(
        "auto",
        pattern=r"^(auto|cpu|cuda(:\d+)?)$",
        description="auto, cpu, cuda or cuda:N; auto prefers a GPU.",
    )
    torch_threads: int = Field(
        0,
        ge=0,
        le=1024,
        description="Threads of fine-tuning on the CPU; 0: one a core. Its bits depend on it.",
    )
    pretraining_threads: int = Field(
        0,
        ge=0,
        le=1024,
        description="Threads of pre-training on the CPU; 0: one a core. Its bits depend on it.",
    )
    reader_threads: int = Field(8, ge=1, le=512, description="Images that are read at the same time.")
    max_image_bytes: int = Field(
        256 * 1024 * 1024, ge=1024, description="A longer object is left out instead of read."
    )
    checkpoint_every_s: float = Field(30, ge=0, le=3600, description="Time between two checkpoints.")
    cache_dir: Path | None = Field(
        None,
        description="Folder of decoded images, for as long as a run; by default temp/ in the data folder.",
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
        TrainerServicer(ports.database, jobs, ports.objects),
        api.DESCRIPTOR.services_by_name["TrainerService"].full_name,
    )
    metrics.UNSERVED.watch(ports.database)
    return Service(
        name=NAME,
        database=ports.database,
        servicers=[servicer, explanations(ports.database, NAME, explain(jobs))],
        backgrounds=[
            *assembly.events(ports, NAME, EventHandlers(jobs, ports.objects).by_event()),
            *_workers(settings, ports, jobs),
        ],
    )


def _workers(settings: Settings, ports: Ports, jobs: Jobs) -> list[Background]:
    own = settings.runs
    if not own.workers:
        return []
    options = Options(
        cache_dir=own.cache_dir or settings.data_dir / "temp",
        device=own.device,
        torch_threads=own.torch_threads,
        pretraining_threads=own.pretraining_threads,
        reader_threads=own.reader_threads,
        max_image_bytes=own.max_image_bytes,
        checkpoint_every_s=own.checkpoint_every_s,
    )
    means = Means(ports.database, ports.objects, ports.pool, jobs, options)
    work: dict[str, Handler] = {BASE: MakeBase(means), FINE_TUNE: FineTune(means), FOLLOW_UP: FollowUp(means)}
    workers = assembly.jobs(ports, work, lease_s=own.lease_s, threads=own.workers)
    return [Background(Leftovers(means)), *workers]
