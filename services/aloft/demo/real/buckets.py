"""A run's two buckets in an S3 store: the pool, and Aloft's own."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from minio import Minio
from minio.error import S3Error

from aloft.kit.objects.s3 import S3Objects
from aloft.kit.objects.s3_config import S3Config
from aloft.kit.objects.s3_connection import client, connections
from aloft.kit.settings import ObjectsSettings

LOOK_S = 4.0
"""How long the store may take to answer the first question."""
UPLOADS = 8
"""Images that are on their way at the same time."""


class Buckets:
    """Both buckets of a run."""

    server = "MinIO, or another S3"
    needs: ClassVar[Mapping[str, str]] = {
        "ALOFT_OBJECTS__ENDPOINT": "where it is, as http://host:port",
        "ALOFT_OBJECTS__ACCESS_KEY": "an account that may make buckets",
        "ALOFT_OBJECTS__SECRET_KEY": "that account's secret",
    }

    def __init__(self, objects: ObjectsSettings, name: str) -> None:
        told = {"kind": "s3", "bucket": f"{name}-aloft", "pool_bucket": f"{name}-pool"}
        self.settings = objects.model_copy(update=told)

    @property
    def _both(self) -> tuple[str, str]:
        return self.settings.bucket, self.settings.pool_bucket

    def look(self) -> str:
        """Ask for the buckets that there are."""
        patient = self.settings.s3_config()
        with _opened(replace(patient, attempts=1, connect_timeout_s=LOOK_S, read_timeout_s=LOOK_S)) as store:
            try:
                store.list_buckets()
            except S3Error as refused:
                # An account that is known need not be one that may list every bucket.
                if refused.code != "AccessDenied":
                    raise
        return f"at {self.settings.endpoint}"

    def make(self) -> None:
        """Make the buckets."""
        with _opened(self.settings.s3_config()) as store:
            for bucket in self._both:
                store.make_bucket(bucket, location=self.settings.region)

    def fill(self, folder: Path, pause: Callable[[], None]) -> None:
        """Upload every file of a folder into the pool, under its path there."""
        with (
            closing(S3Objects(self.settings.s3_config(), self.settings.pool_bucket)) as pool,
            ThreadPoolExecutor(UPLOADS) as uploads,
        ):
            files = sorted(path for path in folder.rglob("*") if path.is_file())
            sent = uploads.map(lambda file: pool.put(str(file.relative_to(folder)), file.read_bytes()), files)
            try:
                for _ in sent:
                    pause()
            finally:
                uploads.shutdown(cancel_futures=True)

    def remove(self) -> None:
        """Empty the buckets and remove them."""
        config = self.settings.s3_config()
        with _opened(config) as store:
            for bucket in self._both:
                if not store.bucket_exists(bucket):
                    continue
                with closing(S3Objects(config, bucket)) as objects:
                    objects.delete(found.key for found in objects.list())
                store.remove_bucket(bucket)


@contextmanager
def _opened(config: S3Config) -> Iterator[Minio]:
    http = connections(config)
    try:
        yield client(config, config.endpoint, http)
    finally:
        http.clear()
