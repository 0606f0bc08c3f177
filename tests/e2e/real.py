"""The system of a platform team: each service a process, on Kafka, an S3 store, PostgreSQL and TorchServe."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from minio import Minio as MinioClient

from aloft.kit.bus.kafka import KafkaBus
from aloft.kit.bus.kafka_config import KafkaConfig
from aloft.kit.database import Database, provision
from aloft.kit.objects.s3 import S3Objects
from aloft.kit.objects.s3_config import S3Config
from aloft.serving.port import Serving
from aloft.serving.torchserve.adapter import Loading
from aloft.serving.torchserve.adapter import TorchServe as Managed
from aloft.serving.torchserve.api import Api
from tests.e2e.program import ALOFT, Program
from tests.e2e.system import SERVICES, System, schema_of
from tests.stack.kafka import Kafka
from tests.stack.minio import Minio
from tests.stack.server import free_port
from tests.stack.torchserve import TorchServe

SESSION_TIMEOUT_S = 6.0
SERVING = "serving"
PASSWORD = "only-on-loopback"


@contextmanager
def real(folder: Path, kafka: Kafka, minio: Minio, admin_url: str, inference: TorchServe) -> Iterator[System]:
    """Make roles, schemas and buckets, and wire a system of five processes; it is not started yet."""
    folder.mkdir(parents=True)
    name = f"e2e-{secrets.token_hex(4)}"
    bucket, pool_bucket = f"{name}-aloft", f"{name}-pool"
    admin = MinioClient(minio.endpoint, minio.access_key, minio.secret_key, secure=False)
    for one in (bucket, pool_bucket):
        admin.make_bucket(one)
    urls = {service: provision(admin_url, schema_of(service), PASSWORD) for service in SERVICES}
    targets = {service: f"127.0.0.1:{free_port()}" for service in SERVICES}
    metrics = {service: free_port() for service in SERVICES}
    shared = {
        **_bus(kafka, f"{name}."),
        **_objects(minio, bucket, pool_bucket),
        "ALOFT_RPC__LABEL_STORE": targets["label-store"],
        "ALOFT_RPC__KEY_PEPPER": secrets.token_hex(16),
        "ALOFT_RPC__SERVICE_SECRET": secrets.token_hex(16),
        "ALOFT_RPC__DRAIN_DELAY_S": "0",
    }
    own = {
        service: {
            **shared,
            "ALOFT_DATA_DIR": str(folder / service),
            "ALOFT_DATABASE__URL": urls[service],
            "ALOFT_RPC__PORT": targets[service].rpartition(":")[2],
            "ALOFT_TELEMETRY__METRICS_PORT": str(metrics[service]),
        }
        for service in SERVICES
    }
    metrics[SERVING] = free_port()
    own[SERVING] = {
        **shared,
        "ALOFT_DATA_DIR": str(folder / SERVING),
        "ALOFT_RPC__PORT": str(free_port()),
        "ALOFT_TELEMETRY__METRICS_PORT": str(metrics[SERVING]),
        **_serving(inference, targets["trainer"]),
    }
    store = S3Config(minio.url, minio.access_key, minio.secret_key)
    config = KafkaConfig(
        bootstrap_servers=(kafka.bootstrap,), topic_prefix=f"{name}.", session_timeout_s=SESSION_TIMEOUT_S
    )
    objects, pool = S3Objects(store, bucket, read_only=True), S3Objects(store, pool_bucket)
    system = System(
        folder=folder,
        programs={
            service: Program(service, [*ALOFT, "serve", service], own[service], folder / f"{service}.log")
            for service in (*SERVICES, SERVING)
        },
        targets=targets,
        metrics_ports=list(metrics.values()),
        admin_env=own["label-store"],
        bootstrap_options=[],
        databases={
            schema_of(service): Database(url, schema=schema_of(service), pool_size=2)
            for service, url in urls.items()
        },
        open_bus=lambda: KafkaBus(config),
        objects=objects,
        pool=pool,
        registered=serving_of(inference).registered,
    )
    try:
        yield system
    finally:
        system.close()
        objects.close()
        pool.close()


def serving_of(inference: TorchServe) -> Serving:
    """Manage a TorchServe as its agent does."""
    api = Api(inference.management, inference.inference, inference.key_file, timeout_s=60)
    return Managed(api, inference.store, Loading())


def _serving(inference: TorchServe, trainer: str) -> dict[str, str]:
    return {
        "ALOFT_SERVING__KIND": "torchserve",
        "ALOFT_SERVING__TRAINER": trainer,
        "ALOFT_SERVING__MANAGEMENT_URL": inference.management,
        "ALOFT_SERVING__INFERENCE_URL": inference.inference,
        "ALOFT_SERVING__KEY_FILE": str(inference.key_file),
        "ALOFT_SERVING__MODEL_STORE": str(inference.store),
        "ALOFT_SERVING__POLL_S": "0.2",
        "ALOFT_SERVING__DRAIN_S": "0",
    }


def _bus(kafka: Kafka, prefix: str) -> dict[str, str]:
    return {
        "ALOFT_BUS__KIND": "kafka",
        "ALOFT_BUS__BOOTSTRAP_SERVERS": kafka.bootstrap,
        "ALOFT_BUS__TOPIC_PREFIX": prefix,
        "ALOFT_BUS__SESSION_TIMEOUT_S": str(SESSION_TIMEOUT_S),
        "ALOFT_BUS__PARTITIONS": "2",
    }


def _objects(minio: Minio, bucket: str, pool_bucket: str) -> dict[str, str]:
    return {
        "ALOFT_OBJECTS__KIND": "s3",
        "ALOFT_OBJECTS__ENDPOINT": minio.url,
        "ALOFT_OBJECTS__ACCESS_KEY": minio.access_key,
        "ALOFT_OBJECTS__SECRET_KEY": minio.secret_key,
        "ALOFT_OBJECTS__BUCKET": bucket,
        "ALOFT_OBJECTS__POOL_BUCKET": pool_bucket,
    }
