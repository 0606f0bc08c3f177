"""The label store's composition root: settings in, wired service out."""

from typing import ClassVar

from aloft.api.labels.v1 import (
    batch_service_pb2_grpc,
    campaign_service_pb2_grpc,
    image_service_pb2_grpc,
    labelling_service_pb2_grpc,
    vendor_service_pb2_grpc,
)
from aloft.api.labels.v1.image_service_pb2 import ImportImagesResponse
from aloft.kit import assembly
from aloft.kit.database import Transactions
from aloft.kit.jobs import Jobs
from aloft.kit.rpc.explanations import explanations
from aloft.kit.rpc.operations import operations
from aloft.kit.rpc.requests import RequestPruner
from aloft.kit.rpc.verifiers import ChainVerifier, ServiceKeyVerifier, Verifier
from aloft.kit.service import Background, Ports, Service, Servicer
from aloft.kit.settings import RpcSettings, TelemetrySettings
from aloft.kit.settings import Settings as KitSettings
from aloft.label_store.copies import Copies
from aloft.label_store.explaining import explain
from aloft.label_store.handlers import handlers
from aloft.label_store.servicers.batches import BatchServicer
from aloft.label_store.servicers.campaigns import CampaignServicer
from aloft.label_store.servicers.images import ImageServicer
from aloft.label_store.servicers.labelling import LabellingServicer
from aloft.label_store.servicers.vendors import KeyServicer, VendorServicer
from aloft.label_store.use_cases import importing, principals
from aloft.label_store.use_cases.leasing import Leasing
from aloft.label_store.use_cases.passing_of_time import BatchCloser

NAME = "label_store"


class Settings(KitSettings):
    """The settings of the label store."""

    service: ClassVar[str] = NAME

    rpc: RpcSettings = RpcSettings(port=7710)
    telemetry: TelemetrySettings = TelemetrySettings(metrics_port=7720)


def build(settings: Settings, ports: Ports) -> Service:
    """Wire the service."""
    jobs = Jobs(ports.database)
    importer = importing.ImportImages(ports.pool, ports.objects)
    return Service(
        name=NAME,
        database=ports.database,
        servicers=_servicers(settings, ports, jobs),
        backgrounds=[
            *assembly.events(ports, NAME, handlers()),
            *assembly.jobs(ports, {importing.KIND: importer}),
            Background(BatchCloser(ports.database)),
            Background(RequestPruner(ports.database, rest_s=60.0)),
        ],
    )


def verifier(settings: Settings, database: Transactions) -> Verifier:
    """Make what knows the callers of this service: services by their secret, others by its own keys."""
    pepper = settings.rpc.key_pepper.get_secret_value()
    return ChainVerifier(
        ServiceKeyVerifier(settings.rpc.service_secrets()), principals.DatabaseVerifier(database, pepper)
    )


def bootstrap(settings: Settings, database: Transactions) -> str:
    """Make the first administrator's key, once."""
    with database.transaction() as tx:
        return principals.bootstrap(tx, settings.rpc.key_pepper.get_secret_value())


def _servicers(settings: Settings, ports: Ports, jobs: Jobs) -> list[Servicer]:
    database = ports.database
    pepper = settings.rpc.key_pepper.get_secret_value()
    leasing = Leasing(database, Copies(ports.pool, ports.objects))
    keys = principals.DatabaseVerifier(database, pepper)
    registered = (
        (
            "Campaign",
            campaign_service_pb2_grpc.add_CampaignServiceServicer_to_server,
            CampaignServicer(database),
        ),
        ("Image", image_service_pb2_grpc.add_ImageServiceServicer_to_server, ImageServicer(database, jobs)),
        ("Batch", batch_service_pb2_grpc.add_BatchServiceServicer_to_server, BatchServicer(database)),
        (
            "Labelling",
            labelling_service_pb2_grpc.add_LabellingServiceServicer_to_server,
            LabellingServicer(database, leasing),
        ),
        (
            "Vendor",
            vendor_service_pb2_grpc.add_VendorServiceServicer_to_server,
            VendorServicer(database, pepper),
        ),
        ("Key", vendor_service_pb2_grpc.add_KeyServiceServicer_to_server, KeyServicer(keys)),
    )
    servicers = [
        Servicer(register, methods, f"aloft.api.labels.v1.{name}Service")
        for name, register, methods in registered
    ]
    return [
        *servicers,
        operations(jobs, {importing.KIND: ImportImagesResponse}),
        explanations(database, NAME, explain),
    ]
